"""How an example's elements fall into groups, by whether each two of them belong together: tracks into vertices."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hepexp.batch import DataSpec
from hepexp.errors import ConfigError
from hepexp.evaluation.evaluators.partition import PartitionEvaluator
from hepexp.losses.objective import Objective
from hepexp.losses.weighted import weighted_mean


class Partition(Objective):
    """BCE + f1 (1 - F1), per example, over the ordered pairs of its elements.

    The cross entropy is that of each pair being in one group, averaged over the pairs of an example. F1 = 2 t / (2 t +
    w) counts probabilities: t is their sum over pairs in one group, w the sum of the probabilities of wrong answers.
    Elements of unknown group do not count, nor do examples with fewer than two others.

    A prediction joins two elements if the sum of both logits, of (i, j) and (j, i), is not negative; groups are what is
    connected then.

    Parameters
    ----------
    f1 : weight of 1 - F1.

    Raises
    ------
    ConfigError : a negative or infinite weight; from `prepare`, several kinds of groups, or a model without outputs for
        pairs.

    References
    ----------
    J. Shlomi et al., arXiv:2008.02831, section 3.2.
    """

    monitor = ("val/f1", "max")
    evaluator: PartitionEvaluator
    needs = (("pair", "class"),)
    takes_weights = True

    def __init__(self, f1: float = 1.0) -> None:
        super().__init__()
        if not 0 <= f1 < float("inf"):
            raise ConfigError(f"loss.f1 must be >= 0 and finite, got {f1}")
        self.f1 = f1

    def n_outputs(self, spec: DataSpec) -> int:
        return 1

    def prepare(self, model: nn.Module, example, spec: DataSpec) -> None:
        names = ", ".join(target.name for target in spec.targets_of("pair", "class"))
        group, name = example.element_group, type(model).__name__
        if group is None or not hasattr(example, "mask"):
            raise ConfigError(f"loss=partition needs particles with {names}; {name} reads another representation")
        if group.shape[-1] > 1:
            raise ConfigError(f"loss=partition needs one kind of pair target, got {names}")
        with torch.no_grad():
            found = model(example)
        expected = (*example.mask.shape, example.mask.shape[1])
        if not isinstance(found, Tensor) or tuple(found.shape) != expected:
            raise ConfigError(
                f"loss=partition needs an output for each pair of elements; {name} does not give them; choose a model "
                "that does, such as model=set2graph"
            )
        self.evaluator = PartitionEvaluator(spec.class_names)

    def outputs(self, model: nn.Module, batch) -> dict[str, Tensor]:
        logits = self._logits(model, batch)
        return _listed(groups(logits, batch.mask), batch)

    @staticmethod
    def _logits(model: nn.Module, batch) -> Tensor:
        logits = model(batch)
        return logits if logits.element_size() >= 4 else logits.float()

    def terms(self, model: nn.Module, batch) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        logits = self._logits(model, batch)
        group = batch.element_group[..., 0]
        known = (group >= 0) & batch.mask
        pairs = known[:, :, None] & known[:, None] & ~torch.eye(group.shape[1], dtype=torch.bool, device=group.device)
        same = (group[:, :, None] == group[:, None]) & pairs
        n = pairs.sum((1, 2)).clamp(min=1)
        entropy = F.binary_cross_entropy_with_logits(logits, same.to(logits.dtype), reduction="none")
        of_example = (entropy * pairs).sum((1, 2)) / n
        if self.f1:
            p = logits.sigmoid()
            true = (p * same).sum((1, 2))
            wrong = (p * (pairs & ~same) + (1 - p) * same).sum((1, 2))
            of_example = of_example + self.f1 * (1 - 2 * true / (2 * true + wrong).clamp(min=1e-12))
        there = (known.sum(1) >= 2).to(of_example.dtype)
        of_example = of_example * there
        outputs = {"loss": of_example.detach()}
        if not self.training:
            found = groups(logits.detach(), batch.mask)
            together = found[:, :, None] == found[:, None]
            above = pairs.triu(1)
            code = 2 * same.long() + together.long()
            counts = [((code == k) & above).sum((1, 2)) for k in range(4)]
            outputs["confusion"] = torch.stack(counts, 1).unflatten(1, (2, 2))  # true, found
            outputs |= _listed(found, batch)
        weight = there if batch.weight is None else there * batch.weight
        return {"loss": weighted_mean(of_example, weight)}, outputs


def groups(logits: Tensor, mask: Tensor) -> Tensor:
    """The group of each element, that of its first one: what is connected where logits_ij + logits_ji >= 0.

    Shapes
    ------
    logits (B, N, N); mask (B, N) -> (B, N) int64, -1 for padding.
    """
    n = mask.shape[1]
    joined = (logits + logits.mT >= 0) & mask[:, :, None] & mask[:, None]
    reached = joined | torch.eye(n, dtype=torch.bool, device=mask.device)
    for _ in range(max(1, n - 1).bit_length()):  # paths of twice the length each time
        reached = (reached.float() @ reached.float()) > 0
    first = reached.long().argmax(-1)  # the first element that is reached
    return torch.where(mask, first, -1)


def _listed(found: Tensor, batch) -> dict[str, Tensor]:
    """The group of each real element, as rows of elements."""
    example = torch.arange(len(batch), device=found.device)[:, None].expand_as(found)
    group = {"element/index": batch.index[example[batch.mask]], "element/group": found[batch.mask]}
    if batch.element_group is not None:
        group["element/true_group"] = batch.element_group[..., 0][batch.mask]
    return group
