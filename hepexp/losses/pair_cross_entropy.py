"""Cross entropy of whether two elements belong together: particles of one vertex, hits of one track."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hepexp.batch import DataSpec, GraphBatch
from hepexp.errors import ConfigError
from hepexp.evaluation.evaluators.element_pairs import ElementPairEvaluator
from hepexp.evaluation.evaluators.evaluator import ELEMENT
from hepexp.losses.element_outputs import places, sums
from hepexp.losses.objective import Objective
from hepexp.losses.weighted import weighted_mean


class PairCrossEntropy(Objective):
    """-ln p of two elements being in the same group, or in different ones, averaged over the pairs of an example.

    p is the sigmoid of the model's output: of a graph, one for each edge, (E, 1); of particles, one for each pair,
    (B, N, N), of which those above the diagonal count. Pairs with an element whose group is unknown do not count. Where
    the data say of each edge whether it is real, that counts. The loss of a batch is the mean over examples, with their
    weights.

    Raises
    ------
    ConfigError : from `prepare`, a data set with several kinds of groups, or a model without outputs for pairs.

    References
    ----------
    For edges of hits, X. Ju et al., arXiv:2003.11603.
    """

    monitor = ("val/element_pair_accuracy", "max")
    evaluator = ElementPairEvaluator()
    needs = (("pair", "class"),)
    takes_weights = True

    def n_outputs(self, spec: DataSpec) -> int:
        return 1

    def prepare(self, model: nn.Module, example, spec: DataSpec) -> None:
        name, names = type(model).__name__, ", ".join(target.name for target in spec.targets_of("pair", "class"))
        graph = isinstance(example, GraphBatch)
        given = [example.element_group, example.edge_label if graph else None]
        if all(one is None for one in given):
            raise ConfigError(f"{name} reads a representation without {names} of each element or edge")
        if sum(one.shape[-1] for one in given if one is not None) > 1:
            raise ConfigError(f"loss=pair_cross_entropy needs one kind of pair target, got {names}")
        with torch.no_grad():
            found = model(example)
        expected = (example.edge_index.shape[1], 1) if graph else (*example.mask.shape, example.mask.shape[1])
        if not isinstance(found, Tensor) or tuple(found.shape) != expected:
            raise ConfigError(
                f"loss=pair_cross_entropy needs an output for each pair of elements; {name} does not give them; choose "
                "a model that does, such as model=gin model.level=edge"
            )

    def outputs(self, model: nn.Module, batch) -> dict[str, Tensor]:
        logits, example, real = self._of_pairs(model, batch)
        taken = (logits > 0).long()[real]
        predicted = sums(F.one_hot(taken, 2), example[real], len(batch))
        return {"predicted": predicted, **self._scores(batch, logits, example, real)}

    def terms(self, model: nn.Module, batch) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        return self._terms_of(*self._of_pairs(model, batch), batch)

    def _terms_of(
        self, logits: Tensor, example: Tensor, real: Tensor, batch
    ) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """The terms from what `_of_pairs` returns."""
        known, same = self._truth(batch)
        known = known & real
        scores = {}
        if not self.training:
            label = torch.where(known, same.long(), -1)[real]
            scores = self._scores(batch, logits.detach(), example, real) | {f"{ELEMENT}label": label}
        each = F.binary_cross_entropy_with_logits(logits, same.to(logits.dtype), reduction="none") * known
        n = sums(known.to(each.dtype), example, len(batch)).clamp(min=1)
        of_example = sums(each, example, len(batch)) / n
        found = F.one_hot(2 * same.long() + (logits > 0).long(), 4) * known[:, None]
        confusion = sums(found, example, len(batch)).unflatten(1, (2, 2))  # true, predicted
        outputs = {"loss": of_example.detach(), "confusion": confusion, "predicted": confusion.sum(1), **scores}
        return {"loss": weighted_mean(of_example, batch.weight)}, outputs

    @staticmethod
    def _scores(batch, logits: Tensor, example: Tensor, real: Tensor) -> dict[str, Tensor]:
        """The probability (k,) of each real one of all pairs (m,) to belong together, and which pairs these are."""
        if isinstance(batch, GraphBatch):
            ends = places(batch.graph, len(batch))[batch.edge_index].T[real]
        else:
            ends = torch.stack(torch.where(real.view(len(batch), *[batch.mask.shape[1]] * 2))[1:], dim=1)
        return {
            f"{ELEMENT}index": batch.index[example[real]],
            f"{ELEMENT}ends": ends.int(),
            f"{ELEMENT}score": logits[real].sigmoid(),
        }

    @staticmethod
    def _of_pairs(model: nn.Module, batch) -> tuple[Tensor, Tensor, Tensor]:
        """Logits (m,) of all pairs, the example (m,) of each, and which are pairs of two real elements (m,)."""
        logits = model(batch)
        logits = logits if logits.element_size() >= 4 else logits.float()
        if isinstance(batch, GraphBatch):
            source, target = batch.edge_index
            return logits.squeeze(1), batch.graph[target], source != target
        example = torch.arange(len(batch), device=logits.device)[:, None, None].expand(logits.shape)
        real = (batch.mask[:, :, None] & batch.mask[:, None]).triu(1)
        return logits.flatten(), example.flatten(), real.flatten()

    @staticmethod
    def _truth(batch) -> tuple[Tensor, Tensor]:
        """Whether it is known (m,) of a pair of elements that they belong together, and whether they do (m,)."""
        if isinstance(batch, GraphBatch) and batch.edge_label is not None:
            label = batch.edge_label[..., 0]
            return label >= 0, label == 1
        first, second = PairCrossEntropy._groups(batch)
        return (first >= 0) & (second >= 0), first == second

    @staticmethod
    def _groups(batch) -> tuple[Tensor, Tensor]:
        """The group (m,) of the first element of each pair, and that of the second."""
        group = batch.element_group[..., 0]
        if isinstance(batch, GraphBatch):
            return group[batch.edge_index[0]], group[batch.edge_index[1]]
        n = group.shape[1]
        return group[:, :, None].expand(-1, n, n).flatten(), group[:, None].expand(-1, n, n).flatten()
