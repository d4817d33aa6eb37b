"""The confusion matrix: which class is mistaken for which."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hepexp.evaluation.bootstrap import ones
from hepexp.evaluation.rounding import with_error
from hepexp.figures import class_name, figure


def confusion_matrix(
    path: Path | str,
    scores: np.ndarray,
    label: np.ndarray,
    class_names: tuple[str, ...] = (),
    of: str = "",
    weight: np.ndarray | None = None,
) -> None:
    """Draw the confusion matrix: rows are the true classes; each cell shows the fraction of its row and the count.

    With weights a cell shows the fraction of the sum of weights, and the sum with its error sqrt(sum w^2).

    Parameters
    ----------
    scores : (n, C), the class of the largest is predicted; label : (n,).
    of : what produced the scores, if not the network itself.
    weight : (n,) of the examples, if any.
    """
    n_classes = scores.shape[1]
    names = [class_name(class_names, c) for c in range(n_classes)]
    cell = label * n_classes + scores.argmax(axis=1)
    counts, squares = (
        np.bincount(cell, values, n_classes**2).reshape(n_classes, n_classes)
        for values in (ones(len(label), weight), ones(len(label), weight) ** 2)
    )
    said = [
        [f"{n:,.0f}" if weight is None else with_error(n, math.sqrt(square)) for n, square in zip(*row, strict=True)]
        for row in zip(counts, squares, strict=True)
    ]
    confusion_counts(path, counts, names, f"confusion matrix{f' of {of}' if of else ''}", said)


def confusion_counts(
    path: Path | str, counts: np.ndarray, names: Sequence[str], title: str, said: Sequence[Sequence[str]] | None = None
) -> None:
    """Draw a confusion matrix (C, C) of counts or sums of weights; rows are the true classes.

    Parameters
    ----------
    said : what stands below the fraction in each cell; by default the count.
    """
    total, n_classes = counts.sum(axis=1, keepdims=True), len(counts)
    share = np.divide(counts, total, out=np.zeros(counts.shape), where=total > 0)
    said = [[f"{n:,.0f}" for n in row] for row in counts] if said is None else said
    side = 4.2 if n_classes == 2 else 1.6 + 0.75 * n_classes
    with figure(path, side + 0.8, side, title) as drawing:
        axes = drawing.subplots()
        image = axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
        for row in range(n_classes):
            for column in range(n_classes):
                axes.text(
                    column,
                    row,
                    f"{100 * share[row, column]:.1f} %\n{said[row][column]}",
                    ha="center",
                    va="center",
                    color="white" if share[row, column] > 0.6 else "black",
                    fontsize=12 if n_classes == 2 else 8,
                )
        ticks = range(n_classes)
        turned: dict[str, Any] = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"} if n_classes > 3 else {}
        axes.set_xticks(ticks, names, **turned)
        axes.set_yticks(ticks, names)
        axes.minorticks_off()
        axes.tick_params(length=0)
        axes.set(xlabel="predicted class", ylabel="true class")
        bar = drawing.colorbar(image, ax=axes, shrink=0.9, label="fraction of the true class")
        bar.ax.minorticks_off()
