"""Rates of a trigger at fixed efficiency against what they must be for exact and for blind measurements."""

import numpy as np
import pytest

from hepexp.batch import DataSpec, Target
from hepexp.errors import ConfigError
from hepexp.evaluation.evaluators.evaluator import OBSERVED
from hepexp.evaluation.evaluators.trigger_momentum import TriggerMomentumEvaluator
from hepexp.losses.trigger_momentum import TriggerMomentum

TARGET = Target("inverse_pt", unit="1/GeV")
N = 200_000


def muons(power: float = 3.0, predicted=None, observed=None) -> tuple[TriggerMomentumEvaluator, dict[str, np.ndarray]]:
    truth = np.random.default_rng(1).uniform(1 / 256, 1, N)
    outputs = {"index": np.arange(N), "label": np.zeros(N, int), "loss": np.zeros(N), "target": truth[:, None]}
    outputs["predicted"] = (truth if predicted is None else predicted(truth))[:, None]
    compared = ()
    if observed is not None:
        outputs[f"{OBSERVED}fit"], compared = observed(truth), ("fit",)
    return TriggerMomentumEvaluator([TARGET], compared, (10.0,), 0.9, power), outputs


def test_the_rate_of_an_exact_measurement_is_an_integral_of_the_spectrum():
    """Of examples flat in k = 1 / pT and weights k^3, cut where 90 % of those with k from 1 / 12.5 to 1 / 10 pass."""
    evaluator, outputs = muons()
    cut = 0.08 + 0.9 * 0.02
    expected = (cut**4 - (1 / 256) ** 4) / (1 - (1 / 256) ** 4)
    found = evaluator.final(outputs, seed=0)
    assert found["rate_10"] == pytest.approx(expected, rel=0.02)
    assert 0 < found["rate_10_err"] < 0.05 * expected


def test_a_blind_measurement_keeps_as_many_of_all_muons_as_of_those_above_the_threshold():
    blind = np.random.default_rng(2).random(N)
    evaluator, outputs = muons(observed=lambda truth: blind)
    found = evaluator.final(outputs, seed=0)
    assert found["compared_rate_10"] == pytest.approx(0.9, abs=0.02)
    assert found["rate_reduction_10"] == pytest.approx(found["compared_rate_10"] / found["rate_10"], rel=1e-9)


def test_the_rate_does_not_depend_on_the_scale_of_the_measurement():
    one, outputs = muons()
    other, scaled = muons(predicted=lambda truth: 7 * truth**2)
    assert one.final(outputs, 0)["rate_10"] == other.final(scaled, 0)["rate_10"]


def test_without_muons_above_the_threshold_there_is_no_rate():
    evaluator, outputs = muons()
    outputs["target"] = outputs["target"] + 1
    assert np.isnan(evaluator.final(outputs, seed=0)["rate_10"])


def test_the_turn_on_curves_are_drawn(tmp_path):
    evaluator, outputs = muons(observed=lambda truth: truth * np.random.default_rng(3).lognormal(0, 0.3, N))
    evaluator.figures({k: v[:3000] for k, v in outputs.items()}, (), tmp_path, 0)
    assert (tmp_path / "turn_on.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"thresholds": []}, r"loss.thresholds must be one or more numbers > 0 in GeV, got \[\]"),
        ({"thresholds": [0.0]}, r"loss.thresholds must be one or more numbers > 0"),
        ({"efficiency": 1.0}, r"loss.efficiency must be in \(0, 1\), got 1.0"),
        ({"power": float("nan")}, r"loss.power must be finite, got nan"),
    ],
)
def test_impossible_triggers_are_refused(keys: dict, message: str):
    with pytest.raises(ConfigError, match=message):
        TriggerMomentum(**keys)


def test_other_targets_than_one_are_refused():
    with pytest.raises(ConfigError, match=r"is for one of dataset.targets, 1 / pT in 1/GeV, got 2"):
        TriggerMomentum().check_names(DataSpec((), targets=(TARGET, TARGET)))
