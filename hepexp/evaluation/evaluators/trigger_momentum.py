"""Evaluator of a trigger's measurement of 1 / pT: rates at fixed efficiency, and turn-on curves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hepexp.batch import Target
from hepexp.evaluation.bootstrap import mean
from hepexp.evaluation.evaluators.evaluator import OBSERVED, Outputs
from hepexp.evaluation.evaluators.regression import Figure, RegressionEvaluator
from hepexp.evaluation.quantiles import Quantiles
from hepexp.metric import Metric

WINDOW = 1.25  # times the threshold: up to where the efficiency of the cut is fixed
NO_MUONS = "there are no muons just above the threshold"


class TriggerMomentumEvaluator(RegressionEvaluator):
    """Evaluates `predicted` (n, 1) against `target` (n, 1), which are 1 / pT in 1/GeV.

    Parameters
    ----------
    targets : the one that is predicted.
    compare_with : the observer with 1 / pT by another method; empty for none.
    thresholds : in GeV.
    efficiency : of each cut for muons just above its threshold.
    power : n, of the pT^-n by which the spectrum of the rates differs from that of the examples.
    """

    metrics = (
        Metric(
            "rate_{threshold}",
            "lower",
            "rate at {threshold} GeV",
            "Fraction of muons that pass the cut on the predicted pT with a given efficiency for a true pT of 1 to "
            "1.25 thresholds, in a spectrum that falls more steeply than that of the examples: loss.efficiency, "
            "loss.power.",
            range="0 to 1",
            undefined=NO_MUONS,
            each_epoch=False,
        ),
        Metric(
            "compared_rate_{threshold}",
            "lower",
            "rate at {threshold} GeV, compared",
            "As rate_{threshold}, of the observer that loss.compare_with names in place of the prediction.",
            range="0 to 1",
            undefined=NO_MUONS,
            each_epoch=False,
        ),
        Metric(
            "rate_reduction_{threshold}",
            "higher",
            "rate reduction at {threshold} GeV",
            "The rate of what loss.compare_with names, divided by that of the prediction, at equal efficiency.",
            range=">= 0; 1 is no better",
            undefined=NO_MUONS,
            each_epoch=False,
        ),
    )

    def __init__(
        self,
        targets: Sequence[Target],
        compare_with: Sequence[str],
        thresholds: Sequence[float],
        efficiency: float,
        power: float,
    ) -> None:
        super().__init__(targets, compare_with=compare_with)
        self.thresholds, self.efficiency, self.power = tuple(thresholds), efficiency, power

    def _of_rows(self, outputs: Outputs) -> dict[str, Figure]:
        found, truth = super()._of_rows(outputs), outputs["target"][:, 0].astype(np.float64)
        methods = self._methods(outputs)
        for threshold in self.thresholds:
            rates = {name: self._rate(truth, inverse, threshold) for name, inverse in methods.items()}
            ours, *others = rates.values()
            found[f"rate_{threshold:g}"] = ours
            for other in others:
                found[f"compared_rate_{threshold:g}"] = other
                found[f"rate_reduction_{threshold:g}"] = _ratio(other, ours)
        return found

    def _methods(self, outputs: Outputs) -> dict[str, NDArray[np.float64]]:
        """1 / pT (n,) by what gives it, the prediction first."""
        found = {"prediction": outputs["predicted"][:, 0].astype(np.float64)}
        for name in self.compare_with:
            if f"{OBSERVED}{name}" in outputs:
                found[f"{name}, compared"] = outputs[f"{OBSERVED}{name}"].astype(np.float64)
        return found

    def _cut(self, truth: NDArray, inverse: NDArray, threshold: float) -> Figure:
        """The largest 1 / pT that passes, as a function of the weights; NaN without muons above the threshold."""
        above = (truth * threshold <= 1) & (truth * threshold * WINDOW > 1)
        kept = Quantiles(inverse[above])
        return lambda weight: kept(weight[above], (self.efficiency,))[0]

    def _rate(self, truth: NDArray, inverse: NDArray, threshold: float) -> Figure:
        cut_of, spectrum = self._cut(truth, inverse, threshold), np.maximum(truth, 0.0) ** self.power

        def of(weight: NDArray) -> float:
            cut = cut_of(weight)
            return mean(inverse <= cut, weight * spectrum) if np.isfinite(cut) else float("nan")

        return of

    def figures(self, outputs: Outputs, class_names: tuple[str, ...], folder: Path, seed: int) -> None:
        from hepexp.evaluation import plots  # matplotlib takes a second to import

        super().figures(outputs, class_names, folder, seed)
        truth = outputs["target"][:, 0].astype(np.float64)
        weight = np.ones(len(truth)) if outputs.get("weight") is None else outputs["weight"].astype(np.float64)
        methods = self._methods(outputs)
        passed = {
            threshold: {
                name: inverse <= self._cut(truth, inverse, threshold)(weight) for name, inverse in methods.items()
            }
            for threshold in self.thresholds
        }
        with np.errstate(divide="ignore"):
            plots.turn_on(folder / "turn_on.png", 1 / truth, passed, weight)


def _ratio(a: Figure, b: Figure) -> Figure:
    return lambda weight: a(weight) / b(weight) if b(weight) else np.nan
