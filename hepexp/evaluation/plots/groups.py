"""Figure of elements that fall into groups: F1 against their number, for each class."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hepexp.figures import COLOURS, figure, legend_above

_BINS = 8  # with as many examples each


def groups_by_size(
    path: Path | str, elements: NDArray, f1: NDArray, label: NDArray, class_names: Sequence[str], weight: NDArray
) -> None:
    """Draw the mean F1 of examples (n,) against their number of elements, with the error of the mean."""
    with figure(path, 5.2, 4.2, "F1 of pairs by number of elements") as drawing:
        axes = drawing.subplots()
        edges = (
            np.unique(np.quantile(elements, np.linspace(0, 1, _BINS + 1)).astype(int)) if len(elements) else np.zeros(0)
        )
        for c, name in enumerate(class_names):
            points = []
            for low, high in pairwise([*edges[: max(len(edges) - 1, 1)], np.inf]):
                chosen = (label == c) & (elements >= low) & (elements < high)
                if (total := weight[chosen].sum()) > 0:
                    mean = weight[chosen] @ f1[chosen] / total
                    error = np.sqrt(np.square(weight[chosen] * (f1[chosen] - mean)).sum()) / total
                    points.append((weight[chosen] @ elements[chosen] / total, mean, error))
            if points:
                x, y, error = zip(*points, strict=True)
                axes.errorbar(
                    x, y, error, fmt="o-", color=COLOURS[c % len(COLOURS)], label=name, capsize=2, markersize=4
                )
        axes.set(xlabel="elements of an example", ylabel="mean F1", ylim=(0, 1.02))
        if axes.get_legend_handles_labels()[0]:
            legend_above(axes, 3)
