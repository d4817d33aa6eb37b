"""The reliability diagram: how often predictions of a probability are right."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hepexp.figures import COLOURS, figure, legend_above


def reliability(
    path: Path | str, place: np.ndarray, probability: np.ndarray, right: np.ndarray, weight: np.ndarray, bins: int
) -> None:
    """Draw accuracy against mean probability of the predicted class in bins, and the share of examples in each.

    The error of an accuracy a is sqrt(sum w^2 (r - a)^2) / sum w, r = 1 for right predictions and 0 for wrong ones.

    Parameters
    ----------
    place : (n,) bin of each example; probability : (n,) of its predicted class; right : (n,) 1 if that is true, else 0.
    weight : (n,) of the examples; bins : their number, of equal width from 0 to 1.
    """
    total = np.bincount(place, weight, bins)
    known = total > 0
    accuracy, confidence = (
        np.divide(np.bincount(place, weight * values, bins), total, out=np.zeros(bins), where=known)
        for values in (right, probability)
    )
    squares = np.bincount(place, (weight * (right - accuracy[place])) ** 2, bins)
    error = np.sqrt(squares[known]) / total[known]
    with figure(path, 4.6, 5.2, "reliability of the predicted class") as drawing:
        upper, lower = drawing.subplots(2, 1, sharex=True, height_ratios=(3, 1))
        upper.plot((0, 1), (0, 1), color="0.6", linestyle=":", linewidth=1.2, label="calibrated")
        upper.errorbar(
            confidence[known], accuracy[known], error, fmt="o", color=COLOURS[0], markersize=4, label="observed"
        )
        upper.set(ylabel="accuracy", xlim=(0, 1), ylim=(0, 1.05))
        legend_above(upper)
        lower.stairs(total / total.sum(), np.linspace(0, 1, bins + 1), fill=True, color=COLOURS[0], alpha=0.5)
        lower.set(xlabel="probability of the predicted class", ylabel="share")
