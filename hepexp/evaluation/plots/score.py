"""Distributions of the score of a class, in that class and in the others."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from hepexp.evaluation.quantiles import reach
from hepexp.figures import COLOURS, class_name, figure, legend_above

BINS = 40
NARROW = 0.2  # probabilities with a range up to this get an axis that does not run from 0 to 1
LAYOUT = 4  # panels side by side, for more than two classes


def score_histogram(
    path: Path | str,
    scores: np.ndarray,
    label: np.ndarray,
    class_names: tuple[str, ...] = (),
    of: str = "",
    weight: np.ndarray | None = None,
) -> None:
    """Draw the signal score for both classes, each normalised to unit area; with more classes, one panel for each.

    Weighted histograms have error bars, sqrt(sum w^2) of each bin.

    Parameters
    ----------
    scores : (n, C); label : (n,).
    of : what produced the scores, if not the network itself.
    weight : (n,) of the examples, if any.
    """
    n_classes = scores.shape[1]
    shown = [1] if n_classes == 2 else range(n_classes)
    columns = min(LAYOUT, len(shown))
    rows = math.ceil(len(shown) / columns)
    size = (5.0, 4.2) if n_classes == 2 else (2.9 * columns, 2.8 * rows)
    with figure(path, *size, title=f"scores{f' of {of}' if of else ''} by class, normalised to unit area") as drawing:
        panels = list(drawing.subplots(rows, columns, squeeze=False).flat)
        for axes, c in zip(panels, shown, strict=False):
            other = class_name(class_names, 0) if n_classes == 2 else "others"
            columns = 2 if n_classes == 2 else 1
            _draw(axes, scores[:, c], label == c, class_name(class_names, c), other, columns, weight)
        for axes in panels[len(shown) :]:
            axes.remove()


def _draw(
    axes, score: np.ndarray, own: np.ndarray, name: str, other: str, columns: int, weight: np.ndarray | None
) -> None:
    low, high = reach(score, (0.001, 0.999), weight)
    if score.min() >= 0 and score.max() <= 1 and (high - low > NARROW or high == low):
        low, high = 0.0, 1.0
    edges = np.linspace(low, high, BINS + 1)
    for chosen, text, colour in ((~own, other, COLOURS[0]), (own, name, COLOURS[1])):
        if chosen.any():
            weighted = None if weight is None else weight[chosen]
            content, _ = np.histogram(score[chosen], bins=edges, density=True, weights=weighted)
            if weighted is not None:
                squares, _ = np.histogram(score[chosen], bins=edges, weights=weighted.astype(np.float64) ** 2)
                inside, _ = np.histogram(score[chosen], bins=edges, weights=weighted)
                errors = np.sqrt(squares) / abs(inside.sum() or 1) / np.diff(edges)
                axes.errorbar((edges[1:] + edges[:-1]) / 2, content, errors, fmt="none", color=colour, linewidth=0.9)
            axes.stairs(content, edges, fill=True, color=colour, alpha=0.2)
            axes.stairs(content, edges, color=colour, linewidth=1.6, label=f"{text} ({chosen.sum():,})")
    axes.set(xlabel=f"score of {name}", ylabel="density", xlim=(low, high))
    axes.set_ylim(0, None)
    axes.locator_params(axis="x", nbins=5)
    legend_above(axes, columns)
