"""A figure of merit of a classifier: what one file adds to all commands.

A class below this one, in hepexp or in a plug-in, is all that a figure needs: it is then a name in
`evaluation.metrics`, and known to tables, comparisons, sweeps, `hepexp list metric` and tab completion:

    class BrierScore(FigureOfMerit):
        metrics = (Metric("brier", "lower", "Brier score", "Mean squared error of the probabilities.", range="0 to 2"),)

        def figures(self, examples):
            missed = examples.scores - np.eye(examples.n_classes)[examples.label]
            return {"brier": mean_of((missed**2).sum(1))}

    hepexp train ... evaluation.metrics=[brier_score]
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar

from numpy.typing import NDArray

from hepexp.evaluation.bootstrap import Width, no_sum, spread
from hepexp.evaluation.classifiers.scored_examples import ScoredExamples, Setting
from hepexp.evaluation.roc import Roc, has_both
from hepexp.metric import Metric

ONE_CLASS = "all examples are of one class"
OfWeights = Callable[[NDArray], float]


class FigureOfMerit(ABC):
    """One figure of a classifier, or several of one kind.

    Attributes
    ----------
    metrics : what `figures` returns.
    least_classes, most_classes : number of classes for which it is defined.
    needs_background : whether it sets other classes against one that is the background.
    needs : columns that it reads of the examples beside scores and labels: stored columns, or observables of its
        particles such as `mass`, as for `dataset.observers`.
    width : how its error follows from its bootstrap replicas.
    limits : the range that its values cannot leave where no weight is negative.
    """

    metrics: ClassVar[tuple[Metric, ...]] = ()
    least_classes: ClassVar[int] = 2
    most_classes: ClassVar[int | None] = None
    needs_background: ClassVar[bool] = False
    needs: Sequence[str] = ()
    width: ClassVar[Width] = staticmethod(spread)
    limits: ClassVar[tuple[float, float]] = (-math.inf, math.inf)

    @abstractmethod
    def figures(self, examples: ScoredExamples) -> dict[str, OfWeights]:
        """Each figure under its name, as a function of the weights (n,) of the examples.

        The weights are those of the examples, times the number of draws in a bootstrap replica; int64 if the examples
        have none. The function may return NaN or infinity for a figure that is not defined.
        """

    def remarks(self, name: str, examples: ScoredExamples) -> dict[str, float | str]:
        """The `note` on a figure, and the `bound` of one without a value; empty if there is nothing to note."""
        return {}

    def simulated(self, examples: ScoredExamples, n_draws: int, seed: int) -> dict[str, float | str | None]:
        """Further figures with `<name>_err` and `_note` of their own, not from replicas; most have none."""
        return {}

    def draw(self, examples: ScoredExamples, folder: Path, seed: int) -> None:  # noqa: B027 (most draw nothing)
        """Draw its own figure into a folder, if it has one."""

    def why_not(self, setting: Setting) -> str:
        """Why it is not defined for these classes; empty if it is."""
        n = setting.n_classes
        if n < self.least_classes or n > (self.most_classes or n):
            limit = f">= {self.least_classes}" if n < self.least_classes else f"at most {self.most_classes}"
            return f"is for {limit} classes, the data set has {n}"
        if self.needs_background and setting.background is None:
            return f"needs a background; choose one: evaluation.background={setting.class_names[0]}"
        return ""


def why_no_curve(curve: Roc, examples: ScoredExamples, signal: str, background: str | None = None) -> str:
    """Why a curve has no efficiencies; empty if it has.

    Parameters
    ----------
    signal, background : names of the classes on either side of the curve; None for all others.
    """
    if has_both(*curve.counts(examples.weights)):
        return ""
    if curve.signal.all() or not curve.signal.any():
        return ONE_CLASS
    weight = examples.weights[curve.order]
    against = "the other classes" if background is None else f"class {background}"
    return no_sum(weight[curve.signal], f"class {signal}") or no_sum(weight[~curve.signal], against)
