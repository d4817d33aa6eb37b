"""Cross entropy of the predicted class of each element: of particles in a jet, or of nodes in a graph."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hepexp.batch import DataSpec
from hepexp.errors import ConfigError
from hepexp.evaluation.evaluators.elements import ElementEvaluator
from hepexp.evaluation.evaluators.evaluator import ELEMENT
from hepexp.losses.element_outputs import check_elements, of_elements, places, sums
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

    def check_names(self, spec: DataSpec) -> None:
        self._target(spec)

    def prepare(self, model: nn.Module, example, spec: DataSpec) -> None:
        target = self._target(spec)
        n = len(target.class_names)
        check_elements(model, example, example.element_label, target.name, n, "loss=element_cross_entropy")
        self.evaluator = ElementEvaluator(target.class_names)

    def outputs(self, model: nn.Module, batch) -> dict[str, Tensor]:
        logits, example, known = of_elements(model, batch)
        predicted = F.one_hot(logits.argmax(-1), logits.shape[-1])[known]
        return {"predicted": sums(predicted, example[known], len(batch)), **self._scores(batch, logits, example, known)}

    @staticmethod
    def _scores(batch, logits: Tensor, example: Tensor, chosen: Tensor) -> dict[str, Tensor]:
        """Probabilities (k, C) of the chosen ones of all elements (m,), and which elements these are."""
        return {
            f"{ELEMENT}index": batch.index[example[chosen]],
            f"{ELEMENT}place": places(example, len(batch))[chosen],
            f"{ELEMENT}score": logits[chosen].softmax(1),
        }

    def terms(self, model: nn.Module, batch) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        logits, example, real = of_elements(model, batch)
        label = batch.element_label[..., 0].flatten()
        scores = {}
        if not self.training:
            scores = self._scores(batch, logits.detach(), example, real) | {f"{ELEMENT}label": label[real]}
        known = label >= 0
        logits, example, label = logits[known], example[known], label[known]
        each = F.cross_entropy(logits, label, reduction="none")
        counts = torch.bincount(example, minlength=len(batch)).clamp(min=1)
        of_example = sums(each, example, len(batch)) / counts
        n = logits.shape[-1]
        found = F.one_hot(label * n + logits.argmax(-1), n * n)
        confusion = sums(found, example, len(batch)).unflatten(1, (n, n))  # true, predicted
        outputs = {"loss": of_example.detach(), "confusion": confusion, "predicted": confusion.sum(1), **scores}
        return {"loss": weighted_mean(of_example, batch.weight)}, outputs
