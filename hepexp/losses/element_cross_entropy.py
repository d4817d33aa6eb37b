"""Cross entropy of the predicted class of each element: of particles in a jet, or of nodes in a graph."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hepexp.batch import DataSpec, GraphBatch
from hepexp.errors import ConfigError
from hepexp.evaluation.evaluators.elements import ElementEvaluator
from hepexp.losses.objective import Objective
from hepexp.losses.weighted import weighted_mean


class ElementCrossEntropy(Objective):
    """-ln p(true class), averaged over the elements of an example, then over the examples with their weights.

    The model gives one row of logits for each particle, (B, N, C), or for each node, (M, C); elements without a class
    do not count.

    Raises
    ------
    ConfigError : from `prepare`, a data set with several classes for each element, or a model that does not classify
        elements.
    """

    monitor = ("val/element_accuracy", "max")
    evaluator: ElementEvaluator
    needs = (("element", "class"),)
    takes_weights = True

    def n_outputs(self, spec: DataSpec) -> int:
        return len(self._target(spec).class_names)

    @staticmethod
    def _target(spec: DataSpec):
        target, *others = spec.targets_of("element", "class")
        if others:
            names = ", ".join(one.name for one in (target, *others))
            raise ConfigError(f"loss=element_cross_entropy needs one class for each element, got {names}")
        return target

    def prepare(self, model: nn.Module, example, spec: DataSpec) -> None:
        name, target = type(model).__name__, self._target(spec)
        if example.element_label is None:
            raise ConfigError(f"{name} reads a representation without {target.name} of each element")
        with torch.no_grad():
            found = model(example)
        expected = (*example.element_label.shape[:-1], len(target.class_names))
        if not isinstance(found, Tensor) or tuple(found.shape) != expected:
            raise ConfigError(
                f"loss=element_cross_entropy needs a row of {expected[-1]} outputs for each element; {name} does not "
                "give them; choose a model that does, such as model=gin model.level=node"
            )
        self.evaluator = ElementEvaluator(target.class_names)

    def outputs(self, model: nn.Module, batch) -> dict[str, Tensor]:
        logits, example, known = self._of_elements(model, batch)
        predicted = F.one_hot(logits.argmax(-1), logits.shape[-1])[known]
        return {"predicted": _sums(predicted, example[known], len(batch))}

    def terms(self, model: nn.Module, batch) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        logits, example, _ = self._of_elements(model, batch)
        label = batch.element_label[..., 0].flatten()
        known = label >= 0
        logits, example, label = logits[known], example[known], label[known]
        each = F.cross_entropy(logits, label, reduction="none")
        counts = torch.bincount(example, minlength=len(batch)).clamp(min=1)
        of_example = _sums(each, example, len(batch)) / counts
        n = logits.shape[-1]
        found = F.one_hot(label * n + logits.argmax(-1), n * n)
        confusion = _sums(found, example, len(batch)).unflatten(1, (n, n))  # true, predicted
        outputs = {"loss": of_example.detach(), "confusion": confusion, "predicted": confusion.sum(1)}
        return {"loss": weighted_mean(of_example, batch.weight)}, outputs

    @staticmethod
    def _of_elements(model: nn.Module, batch) -> tuple[Tensor, Tensor, Tensor]:
        """Logits (m, C) of all elements, the example (m,) of each, and which are real (m,)."""
        logits = model(batch)
        logits = logits if logits.element_size() >= 4 else logits.float()
        if isinstance(batch, GraphBatch):
            return logits, batch.graph, torch.ones_like(batch.graph, dtype=torch.bool)
        example = torch.arange(len(batch), device=logits.device)[:, None].expand(logits.shape[:2])
        return logits.flatten(0, 1), example.flatten(), batch.mask.flatten()


def _sums(values: Tensor, example: Tensor, n: int) -> Tensor:
    """Sums (n, ...) over the elements of each example of values (m, ...)."""
    return values.new_zeros(n, *values.shape[1:]).index_add(0, example, values)
