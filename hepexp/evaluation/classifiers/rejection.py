"""Background rejection 1/eB at fixed signal efficiencies."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from hepexp.evaluation.bootstrap import OF_CENTRAL, Width, central, effective_number
from hepexp.evaluation.classifiers.figure_of_merit import FigureOfMerit, OfWeights, why_no_curve
from hepexp.evaluation.classifiers.scored_examples import ScoredExamples
from hepexp.evaluation.roc import Roc, background_at
from hepexp.metric import AT_LEVEL, CONFIDENCE, Metric

NONE_PASSES = "no background example passes, or all examples are of one class"
FEW = 10  # with fewer background examples above a cut than this, their number is shown beside the rejection


class Rejection(FigureOfMerit):
    """Background rejection at the working points, for two classes."""

    metrics = (
        Metric(
            "rejection_{eS}",
            "higher",
            "1/εB (εS={eS})",
            "Background rejection 1/eB, the inverse of the background efficiency at signal efficiency {eS}, linear "
            "between the points of the ROC curve; two classes only. Its error is half the width of the central 68 % of "
            "the bootstrap replicas. If none of n background examples passes, the value is replaced by the lower bound "
            "n/3.0 at 95 % CL.",
            latex=r"$1/\varepsilon_B$ ($\varepsilon_S={eS}$)",
            range=">= 1; 1/eS is chance",
            error=OF_CENTRAL,
            undefined=NONE_PASSES,
            each_epoch=False,
            column=True,
            values=("0.3", "0.5"),
        ),
    )
    most_classes: ClassVar[int | None] = 2
    limits = (1.0, math.inf)
    needs_background = True
    width: ClassVar[Width] = staticmethod(central)

    def figures(self, examples: ScoredExamples) -> dict[str, OfWeights]:
        return {name: rejection(examples.against_background(c), at) for name, (c, at) in _points(examples).items()}

    def remarks(self, name: str, examples: ScoredExamples) -> dict[str, float | str]:
        c, at = _points(examples)[name]
        curve, names, background = examples.against_background(c), examples.setting.class_names, examples.background
        if why := why_no_curve(curve, examples, names[c], names[background]):
            return {"note": why}
        return remarks(curve, at, examples)


class ClassRejection(Rejection):
    """Background rejection of each class at its working points, for more than two classes.

    The score of a class is s / (s + s_background), among the examples of the class and the background alone.

    References
    ----------
    H. Qu, C. Li, S. Qian, arXiv:2202.03772, section 5.
    """

    metrics = (
        Metric(
            "rejection_{class}_{eS}",
            "higher",
            "1/εB ({class}, εS={eS})",
            "Rejection 1/eB of the background (evaluation.background) at the efficiency {eS} for the class {class}, by "
            "the score s/(s + s_background), among the examples of these two classes alone (arXiv:2202.03772). Error "
            "and lower bound as for two classes.",
            latex=r"$1/\varepsilon_B$ ({class}, $\varepsilon_S={eS}$)",
            range=">= 1; 1/eS is chance",
            error=OF_CENTRAL,
            undefined=NONE_PASSES,
            each_epoch=False,
        ),
    )
    least_classes, most_classes = 3, None


def _points(examples: ScoredExamples) -> dict[str, tuple[int, float]]:
    """The label of the signal and the signal efficiency of each figure, by its name."""
    setting = examples.setting
    return {setting.key("rejection", c, at): (c, at) for c in setting.signals for at in setting.points(c)}


def rejection(curve: Roc, at: float) -> OfWeights:
    """1/eB at a signal efficiency as a function of weights; infinite where no background passes."""

    def of(weight: NDArray) -> float:
        background = float(background_at(*curve.counts(weight), at))
        return math.inf if background <= 0 else 1 / background

    return of


def remarks(curve: Roc, at: float, examples: ScoredExamples) -> dict[str, float | str]:
    """How many background examples pass if they are few, and the lower bound if none does.

    Examples are counted; where they have weights, the bound follows from their effective number (sum w)^2 / sum w^2.
    """
    weight = examples.weights
    signal, background = curve.counts(weight)
    n_effective: float
    if examples.weight is None:
        n = n_effective = int(background[-1])
        passing = math.ceil(float(background_at(signal, background, at)) * n - 1e-6)  # of the two
        effective = ""
    else:
        own = curve.order[~curve.signal]
        above = np.intersect1d(curve.above(at, weight), own)
        n, passing = len(own), len(above)
        n_effective = effective_number(weight[own])
        effective = f" (weighted: effectively {effective_number(weight[above]):.3g} of {n_effective:,.3g})"
    if passing and background_at(signal, background, at) <= 0:
        return {"note": f"the weights of the {passing:,} background examples that pass add up to nothing"}
    if passing >= FEW:
        return {}
    note = f"{passing} of {n:,} background examples {'passes' if passing == 1 else 'pass'}{effective}"
    if passing:
        return {"note": note}
    return {"bound": max(n_effective / -math.log(1 - CONFIDENCE), 1.0), "note": f"{note}: {AT_LEVEL}"}
