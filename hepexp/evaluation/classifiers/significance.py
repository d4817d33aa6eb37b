"""Significance improvement: by how much a cut on the score raises signal over the root of the background."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hepexp.errors import ConfigError
from hepexp.evaluation.classifiers.figure_of_merit import FigureOfMerit, OfWeights
from hepexp.evaluation.classifiers.scored_examples import ScoredExamples
from hepexp.evaluation.roc import Roc, improvement
from hepexp.metric import Metric

TOO_FEW = "there are fewer background examples than the floor"


class SignificanceImprovement(FigureOfMerit):
    """Largest eS / sqrt(eB) over all cuts that leave enough background examples to know eB.

    Parameters
    ----------
    floor : least number of background examples above the cut, where they have weights their effective number
        (sum w)^2 / sum w^2; 25 know eB to 20 %.

    References
    ----------
    J. Gallicchio et al., arXiv:1009.3243 (eq. 1); for the floor G. Kasieczka et al., arXiv:2101.08320.
    """

    metrics = (
        Metric(
            "max_sic",
            "higher",
            "max SIC",
            "Largest significance improvement eS/sqrt(eB) over all cuts on the score that leave enough background "
            "examples, 25 by default (arXiv:1009.3243).",
            latex=r"max $\varepsilon_S/\sqrt{\varepsilon_B}$",
            range=">= 0",
            undefined=TOO_FEW,
        ),
        Metric(
            "max_sic_{class}",
            "higher",
            "max SIC ({class})",
            "Largest significance improvement eS/sqrt(eB) of the class {class} over the background, over all cuts on "
            "s/(s + s_background) that leave enough background examples, 25 by default (arXiv:1009.3243).",
            latex=r"max $\varepsilon_S/\sqrt{\varepsilon_B}$ ({class})",
            range=">= 0",
            undefined=TOO_FEW,
        ),
    )
    needs_background = True

    def __init__(self, floor: int = 25) -> None:
        if floor < 1:
            raise ConfigError(f"floor of the significance improvement must be >= 1, got {floor}")
        self.floor = floor

    def figures(self, examples: ScoredExamples) -> dict[str, OfWeights]:
        setting = examples.setting
        return {
            setting.key("max_sic", c): self._largest(examples.against_background(c), examples.weights)
            for c in setting.signals
        }

    def draw(self, examples: ScoredExamples, folder: Path, seed: int) -> None:
        from hepexp.evaluation import plots  # matplotlib takes a second to import

        allowed = {c: self._allowed(examples.against_background(c), examples.weights) for c in examples.setting.signals}
        plots.significance_improvement(folder / "significance_improvement.png", examples, allowed, self.floor, seed)

    def _largest(self, curve: Roc, weight: NDArray) -> OfWeights:
        allowed = self._allowed(curve, weight)  # the same cuts for every replica

        def of(weight: NDArray) -> float:
            _, found = improvement(*curve.counts(weight))
            return float(np.nanmax(found[allowed])) if np.isfinite(found[allowed]).any() else math.nan

        return of

    def _allowed(self, curve: Roc, weight: NDArray) -> NDArray[np.bool_]:
        """Thresholds (t + 1,) with enough background above them."""
        own = np.where(curve.signal, 0, weight[curve.order]).astype(np.float64)
        sums, squares = (np.append(0, np.cumsum(values)[curve.last]) for values in (own, own**2))
        effective = np.divide(sums**2, squares, out=np.zeros_like(sums), where=squares > 0)
        return effective >= self.floor * (1 - 1e-12)
