"""The transverse momentum of a muon for a trigger."""

from __future__ import annotations

from collections.abc import Sequence

from hepexp.batch import DataSpec
from hepexp.errors import ConfigError
from hepexp.evaluation.evaluators.regression import RegressionEvaluator
from hepexp.evaluation.evaluators.trigger_momentum import TriggerMomentumEvaluator
from hepexp.losses.regression import MeanSquaredError


class TriggerMomentum(MeanSquaredError):
    """((prediction - target) / std)^2 of 1 / pT, judged as a trigger: by rates at fixed efficiency and turn-on curves.

    For each threshold the cut on the predicted pT is the one that keeps a fraction `efficiency` of the muons with a
    true pT of 1 to 1.25 thresholds. The rate is the fraction of all muons that pass it.

    Parameters
    ----------
    thresholds : in GeV.
    efficiency : of the cut just above the threshold.
    power : n, where the rates are those of a spectrum that is that of the examples times pT^-n.
    compare_with : one of dataset.observers with 1 / pT by another method, judged alike; empty for none.

    Raises
    ------
    ConfigError : no thresholds, one that is not positive, an efficiency outside (0, 1), a power that is not finite, or
        other targets than a single one.
    """

    evaluator: TriggerMomentumEvaluator

    def __init__(
        self,
        thresholds: Sequence[float] = (10.0, 20.0),
        efficiency: float = 0.9,
        power: float = 3.0,
        compare_with: Sequence[str] = (),
    ) -> None:
        super().__init__(compare_with)
        if not thresholds or not all(0 < threshold < float("inf") for threshold in thresholds):
            raise ConfigError(f"loss.thresholds must be one or more numbers > 0 in GeV, got {list(thresholds)}")
        if not 0 < efficiency < 1:
            raise ConfigError(f"loss.efficiency must be in (0, 1), got {efficiency}")
        if not abs(power) < float("inf"):
            raise ConfigError(f"loss.power must be finite, got {power}")
        self.thresholds, self.efficiency, self.power = tuple(thresholds), efficiency, power

    def check_names(self, spec: DataSpec) -> None:
        super().check_names(spec)
        if (n := len(spec.targets_of("example", "real"))) != 1:
            raise ConfigError(f"loss=trigger_momentum is for one of dataset.targets, 1 / pT in 1/GeV, got {n}")

    def make_evaluator(self, evaluator: RegressionEvaluator) -> TriggerMomentumEvaluator:
        return TriggerMomentumEvaluator(
            evaluator.targets, self.compare_with, self.thresholds, self.efficiency, self.power
        )
