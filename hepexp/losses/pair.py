"""Contrastive loss on pairs: a siamese network learns a distance."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from hepexp.errors import ConfigError
from hepexp.evaluation.evaluators.pairs import PairEvaluator
from hepexp.losses.all_pairs import of_rows
from hepexp.losses.embedding import EmbeddingObjective
from hepexp.losses.states import CircuitStates


class PairLoss(EmbeddingObjective):
    """mean[y d^2 + (1 - y) max(0, m - d)^2] over a pair in one class (y = 1) and one in two (y = 0) per example.

    The partners of an example are all others of its batch: the mean over those that could be drawn, which is the loss
    of drawn partners without their noise. A collapsed embedding (all d = 0) has the loss m^2 / 2.

    The weight of a pair is the product of those of its examples, with which the mean over all pairs is that of
    independent examples from the weighted distribution.

    Parameters
    ----------
    margin : m, the distance beyond which examples of different classes no longer repel each other.
    projector : widths of a projector's layers; empty, as in the paper, for none.

    Raises
    ------
    ConfigError : a margin that is not positive.

    References
    ----------
    R. Hadsell, S. Chopra, Y. LeCun, "Dimensionality reduction by learning an invariant mapping", CVPR 2006, equation 4.
    """

    evaluator: PairEvaluator
    monitor = ("val/loss", "min")  # neighbours agree long before the distances are right
    takes_weights = True

    def __init__(
        self,
        margin: float = 1.0,
        projector: Sequence[int] = (),
        alpha: float = 1.0,
        states: CircuitStates | None = None,
        embedding_dim: int | None = None,
    ):
        super().__init__(projector, alpha, states, embedding_dim)
        if not 0 < margin < float("inf"):
            raise ConfigError(f"loss.margin must be > 0, got {margin}")
        self.margin = margin
        self.evaluator = PairEvaluator()

    def compare(self, projection: Tensor, label: Tensor, weight: Tensor | None = None) -> Tensor:
        n, weights = len(label), torch.ones_like(projection[:, 0]) if weight is None else weight.to(projection.dtype)

        def each(i: Tensor) -> Tensor:
            distance = torch.cdist(projection[i], projection, compute_mode="donot_use_mm_for_euclid_dist")
            same = label[i, None] == label
            different, itself = ~same, i[:, None] == torch.arange(n, device=label.device)
            same = same & ~itself
            cost = torch.where(same, distance.square(), (self.margin - distance).clamp(min=0).square())
            share = sum(kind / kind.sum(1, keepdim=True).clamp(min=1) for kind in (same, different))
            share = share * weights[i, None] * weights
            return torch.stack([(share * cost).sum(1), share.abs().sum(1)], dim=1)

        cost, pairs = of_rows(each, n, n, label.device).sum(0)
        return cost / pairs.clamp(min=torch.finfo(cost.dtype).tiny)
