"""How the score of a class is distributed over that class and over the others."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from hepexp.figures import COLOURS, class_name, figure

BINS = 40
COLUMNS = 4  # panels beside each other, for more than two classes


def score_histogram(path: Path | str, scores: np.ndarray, label: np.ndarray, class_names: tuple[str, ...] = ()) -> None:
    """Draw the score of the signal for both classes, each normalised to area one; with more classes a panel for each.

    Parameters
    ----------
    scores : (n, C); label : (n,).
    """
    n_classes = scores.shape[1]
    shown = [1] if n_classes == 2 else range(n_classes)
    columns = min(COLUMNS, len(shown))
    rows = math.ceil(len(shown) / columns)
    size = (5.0, 4.2) if n_classes == 2 else (2.9 * columns, 2.6 * rows)
    with figure(path, *size) as drawing:
        panels = list(drawing.subplots(rows, columns, squeeze=False).flat)
        for axes, c in zip(panels, shown, strict=False):
            other = class_name(class_names, 0) if n_classes == 2 else "others"
            _draw(axes, scores[:, c], label == c, class_name(class_names, c), other, columns=2 if n_classes == 2 else 1)
        for axes in panels[len(shown) :]:
            axes.remove()


def _draw(axes, score: np.ndarray, own: np.ndarray, name: str, other: str, columns: int) -> None:
    low, high = (0.0, 1.0) if score.min() >= 0 and score.max() <= 1 else np.quantile(score, (0.001, 0.999))
    edges = np.linspace(low, high, BINS + 1)
    for chosen, text, colour in ((~own, other, COLOURS[0]), (own, name, COLOURS[1])):
        if chosen.any():
            content, _ = np.histogram(score[chosen], bins=edges, density=True)
            axes.stairs(content, edges, fill=True, color=colour, alpha=0.2)
            axes.stairs(content, edges, color=colour, linewidth=1.6, label=f"{text} ({chosen.sum():,})")
    axes.set(xlabel=f"score of {name}", ylabel="density", xlim=(low, high))
    axes.set_ylim(0, 1.2 * axes.get_ylim()[1])  # room for the legend
    axes.legend(loc="upper center", ncols=columns, columnspacing=1.2, handlelength=1.5)
