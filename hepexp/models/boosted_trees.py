"""Boosted decision trees on the features of an example, grown by XGBoost and kept as tensors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hepexp.batch import FeatureBatch
from hepexp.errors import ConfigError

MOST_TREES, MOST_DEPTH = 20_000, 12
_OBJECTIVES = {
    ("classes", False): "binary:logistic",
    ("classes", True): "multi:softprob",
    ("squares", False): "reg:squarederror",
}


class BoostedTrees(nn.Module):
    """Sum of regression trees, each grown for the gradient that the sum of those before it leaves.

    XGBoost grows the trees, one for each class and round, or one a round for two classes and for a real number. They
    are kept as complete binary trees in tensors of fixed size: at a node an example goes to the right if its feature
    is not below the threshold. So a file of trees holds numbers alone, and no XGBoost is needed to use it.

    Parameters
    ----------
    n_trees : rounds of boosting; the epochs of the trainer share them.
    depth : largest number of decisions in a tree.
    shrinkage : factor of each new tree.
    subsample : fraction of the examples, drawn anew, that each tree is grown with.
    l2 : lambda, that is added to the sum of second derivatives in a leaf.
    least : smallest sum of second derivatives in a leaf: of squares that of the weights of its examples.
    n_features : features of an example in the data set.
    n_classes : number of outputs: classes of the data set, or 1 for a real number.

    Shapes
    ------
    features (B, n_features) -> logits (B, n_classes); of two classes the first is 0.

    Raises
    ------
    ConfigError : a value out of range.

    References
    ----------
    T. Chen, C. Guestrin, arXiv:1603.02754; J. H. Friedman, Ann. Statist. 29 (2001) 1189.
    """

    input = "features"
    lorentz_invariant = False

    feature: Tensor
    threshold: Tensor
    leaf: Tensor
    n_grown: Tensor

    def __init__(
        self,
        n_trees: int = 400,
        depth: int = 5,
        shrinkage: float = 0.1,
        subsample: float = 1.0,
        l2: float = 1.0,
        least: float = 1.0,
        *,
        n_features: int,
        n_classes: int,
    ):
        super().__init__()
        for key, value, most in (("n_trees", n_trees, MOST_TREES), ("depth", depth, MOST_DEPTH)):
            if not 1 <= value <= most:
                raise ConfigError(f"model.{key} must be 1 to {most:,}, got {value}")
        for key, fraction in (("shrinkage", shrinkage), ("subsample", subsample)):
            if not 0 < fraction <= 1:
                raise ConfigError(f"model.{key} must be in (0, 1], got {fraction}")
        for key, bound in (("l2", l2), ("least", least)):
            if not 0 <= bound < float("inf"):
                raise ConfigError(f"model.{key} must be >= 0 and finite, got {bound}")
        self.n_trees, self.depth, self.n_features, self.n_classes = n_trees, depth, n_features, n_classes
        self.shrinkage = shrinkage
        self.keys = {"subsample": subsample, "lambda": l2, "min_child_weight": least}
        self.per_round = n_classes if n_classes > 2 else 1
        n, nodes = n_trees * self.per_round, 2**depth - 1  # of one tree above its leaves, level by level
        self.register_buffer("feature", torch.zeros(n, nodes, dtype=torch.int64))
        self.register_buffer("threshold", torch.full((n, nodes), torch.inf))
        self.register_buffer("leaf", torch.zeros(n, nodes + 1))
        self.register_buffer("n_grown", torch.zeros((), dtype=torch.int64))
        self._rounds = 0  # the same number, without asking the device

    def forward(self, batch: FeatureBatch) -> Tensor:
        margin = self.margin(batch.features)
        return torch.cat([torch.zeros_like(margin), margin], 1) if self.n_classes == 2 else margin

    def margin(self, features: Tensor) -> Tensor:
        """The sums of trees (B, per_round) for features (B, n_features)."""
        n, nodes = self._rounds * self.per_round, self.feature.shape[1]  # the others are not grown yet
        tree = torch.arange(n, device=features.device)
        place = features.new_zeros((features.shape[0], n), dtype=torch.int64)  # in its level, from the left
        for level in range(self.depth):
            node = tree * nodes + 2**level - 1 + place
            value = features.gather(1, self.feature.flatten()[node])
            place = 2 * place + (value >= self.threshold.flatten()[node])
        reached = self.leaf.flatten()[tree * (nodes + 1) + place]  # (B, n)
        return reached.unflatten(1, (self._rounds, self.per_round)).sum(1)

    # ---- growth

    def grow(
        self,
        features: Tensor,
        target: Tensor,
        weight: Tensor | None,
        loss: Literal["classes", "squares"],
        until: int,
        seed: int,
    ) -> None:
        """Add rounds of trees until there are so many.

        Parameters
        ----------
        features, target, weight : (n, n_features), (n,), (n,) of all training examples.
        loss : `classes` for the cross entropy of labels, `squares` for squared differences.
        seed : of the subsamples.

        Raises
        ------
        ConfigError : negative weights, or a target of more numbers than one.
        """
        import xgboost  # takes a second to import

        if weight is not None and (weight < 0).any():
            raise ConfigError("boosted trees cannot be grown with negative weights: leave out dataset.weight")
        keys = {
            "objective": _OBJECTIVES[loss, self.per_round > 1],
            "max_depth": self.depth,
            "eta": self.shrinkage,
            "tree_method": "hist",
            "nthread": torch.get_num_threads(),
            **self.keys,
            **({"num_class": self.per_round} if self.per_round > 1 else {}),
        }
        values = features.float().cpu().numpy()
        with torch.no_grad():  # at each start anew, so that a training that was interrupted has the same result
            margin = self.margin(features).float().cpu().numpy()
        of = {} if weight is None else {"weight": weight.float().cpu().numpy()}
        examples = xgboost.DMatrix(values, target.float().cpu().numpy(), nthread=keys["nthread"], **of)
        for done in range(self._rounds, until):
            examples.set_base_margin(margin)
            booster = xgboost.train({**keys, "seed": (seed * 1_000_003 + done) % 2**31}, examples, 1)
            margin = booster.predict(examples, output_margin=True).reshape(len(values), self.per_round)
            model = json.loads(booster.save_raw("json"))["learner"]["gradient_booster"]["model"]
            for of_class, tree in zip(model["tree_info"], model["trees"], strict=True):
                self._keep(done * self.per_round + of_class, tree)
            self._rounds = done + 1
            self.n_grown.fill_(self._rounds)

    def _keep(self, place: int, tree: Mapping[str, Any]) -> None:
        """Write a tree of XGBoost to its place."""
        feature, threshold, leaf = _complete(tree, self.depth)
        for buffer, values in ((self.feature, feature), (self.threshold, threshold), (self.leaf, leaf)):
            buffer[place] = torch.from_numpy(values).to(buffer)

    def _load_from_state_dict(self, state_dict: Mapping[str, Tensor], prefix: str, *args: Any) -> None:
        feature, n_grown = (state_dict.get(prefix + name) for name in ("feature", "n_grown"))
        if feature is not None and not ((feature >= 0) & (feature < self.n_features)).all():
            raise ConfigError(f"its trees have features that are not among the {self.n_features} of the data set")
        if n_grown is not None and not 0 <= n_grown <= self.n_trees:
            raise ConfigError(f"it has {int(n_grown)} rounds of trees, expected at most {self.n_trees}")
        super()._load_from_state_dict(state_dict, prefix, *args)
        self._rounds = int(self.n_grown)


def require_xgboost() -> None:
    """Raise ConfigError unless XGBoost is installed, which a training needs."""
    if find_spec("xgboost") is None:
        raise ConfigError("model=boosted_trees needs XGBoost to be trained: pip install 'hepexp[trees]'")


def _complete(
    tree: Mapping[str, Any], depth: int
) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float32]]:
    """Features and thresholds (2^depth - 1,) of the nodes, level by level, and leaves (2^depth,), of a tree of XGBoost.

    A leaf at a higher level fills all those below it.
    """
    feature, threshold = np.zeros(2**depth - 1, np.int64), np.full(2**depth - 1, np.inf, np.float32)
    leaf = np.zeros(2**depth, np.float32)
    waiting = [(0, 0, 0)]  # node of XGBoost, level, place in the level
    while waiting:
        node, level, place = waiting.pop()
        left, right = tree["left_children"][node], tree["right_children"][node]
        if left == -1:
            width = 2 ** (depth - level)
            leaf[place * width : (place + 1) * width] = tree["split_conditions"][node]
            continue
        feature[2**level - 1 + place] = tree["split_indices"][node]
        threshold[2**level - 1 + place] = tree["split_conditions"][node]
        waiting += [(left, level + 1, 2 * place), (right, level + 1, 2 * place + 1)]
    return feature, threshold, leaf
