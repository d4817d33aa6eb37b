"""Thresholds on the scores at the efficiencies at which a classifier is judged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from hepexp.evaluation.classifiers.scored_examples import ScoredExamples
from hepexp.evaluation.roc import Roc, has_both


def working_points(examples: ScoredExamples, samples: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
    """The threshold of each class at each of its signal efficiencies; none where there is no background.

    An example passes if its score is at or above the threshold. The score is the probability of the signal for two
    classes, otherwise s / (s + s_background).

    Parameters
    ----------
    examples : of the validation split, as a test split chooses nothing.
    samples : what examples of a class are, where labels are not the truth, as in a search for anomalies: efficiencies
        are then of these samples, and each point says so.
    """
    setting, samples = examples.setting, samples or {}
    found = []
    for c in setting.signals:
        background = setting.class_names[examples.background]
        name = setting.class_names[c]
        score = f"score_{name}" if setting.n_classes == 2 else f"score_{name} / (score_{name} + score_{background})"
        curve = examples.against_background(c)
        values = examples.discriminant(c, examples.background)
        for at in setting.points(c):
            known = {key: samples[one] for key, one in (("passing", name), ("rejected", background)) if one in samples}
            if point := _threshold(curve, values, examples.weights, at):
                found.append(
                    {"class": name, "background": background, "score": score, "signal_efficiency": at, **point, **known}
                )
    return found


def _threshold(curve: Roc, score: np.ndarray, weight: np.ndarray, at: float) -> dict[str, float]:
    """The largest threshold at which the signal efficiency reaches `at`, and the efficiencies there."""
    signal, background = curve.counts(weight)
    above = curve.above(at, weight)
    if not has_both(signal, background) or not len(above):
        return {}
    passed = np.flatnonzero(curve.last == len(above) - 1)[0] + 1
    return {
        "threshold": float(score[above].min()),
        "reached_signal_efficiency": float(signal[passed] / signal[-1]),
        "background_efficiency": float(background[passed] / background[-1]),
    }
