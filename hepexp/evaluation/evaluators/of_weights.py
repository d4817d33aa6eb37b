"""Evaluators whose figures, but for the loss, are functions of the weights of the examples."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable

from numpy.typing import NDArray

from hepexp.evaluation.bootstrap import ones, with_errors
from hepexp.evaluation.evaluators.evaluator import Evaluator, Outputs, loss_figures, mean_loss
from hepexp.metric import is_of_each_epoch


class EvaluatorOfWeights(Evaluator):
    """Gives the figures of the examples' own weights, and errors from bootstrap replicas of them.

    After an epoch these are the figures of which `metrics` says so.
    """

    @abstractmethod
    def _figures(self, outputs: Outputs) -> dict[str, Callable[[NDArray], float]]:
        """All figures as functions of the weights (n,) of the examples."""

    def _loss(self, outputs: Outputs, seed: int) -> dict[str, float | str | None]:
        """The loss of the test, with its error."""
        return loss_figures(outputs, seed)

    def quick(self, outputs: Outputs) -> dict[str, float]:
        weight, figures = ones(len(outputs["index"]), outputs.get("weight")), self._figures(outputs)
        shown = {name: of(weight) for name, of in figures.items() if is_of_each_epoch(name, self.metrics)}
        return {"loss": mean_loss(outputs), **shown}

    def final(self, outputs: Outputs, seed: int) -> dict[str, float | str | None]:
        found = with_errors(self._figures(outputs), len(outputs["index"]), seed, weight=outputs.get("weight"))
        return {**self._loss(outputs, seed), **found}
