"""Distributions of an observable of generated examples, of the test and of more of the truth, with their ratios."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hepexp.evaluation.generation.histogram import bins
from hepexp.figures import COLOURS, figure, legend_above

COLUMNS = 3


def observable(
    path: Path | str, labels: tuple[str, ...], truth: NDArray, other_truth: NDArray, generated: NDArray
) -> None:
    """Draw a panel for each component, and below it the ratio to the truth.

    Bands and bars are statistical errors of independent values, which elements of an example are not quite.

    Parameters
    ----------
    labels : of the axes (K,).
    truth, other_truth, generated : values (n, K), (m, K), (l, K).
    """
    n_columns, n_rows = min(COLUMNS, len(labels)), -(-len(labels) // COLUMNS)
    with figure(path, 3.6 * n_columns + 1.2, 4.2 * n_rows, "generated and true examples") as drawing:
        panels = drawing.subplots(2 * n_rows, n_columns, squeeze=False, height_ratios=[2, 1] * n_rows)
        for k, label in enumerate(labels):
            row, column = divmod(k, n_columns)
            upper, lower = panels[2 * row, column], panels[2 * row + 1, column]
            _panel(upper, lower, truth[:, k], other_truth[:, k], generated[:, k])
            upper.tick_params(labelbottom=False)
            lower.set(xlabel=label)
            if k == 0:
                legend_above(upper, 3)
            if column == 0:
                upper.set(ylabel="density")
                lower.set(ylabel="ratio to truth")
        for empty in range(len(labels), n_rows * n_columns):
            row, column = divmod(empty, n_columns)
            panels[2 * row, column].remove()
            panels[2 * row + 1, column].remove()


def _panel(upper, lower, truth: NDArray, other_truth: NDArray, generated: NDArray) -> None:
    edges, is_log = bins(truth)
    middle, width = (edges[1:] + edges[:-1]) / 2, np.diff(edges)
    if is_log:  # density in the logarithm
        middle, width = np.sqrt(edges[1:] * edges[:-1]), np.diff(np.log(edges))
        upper.set_xscale("log")
        lower.set_xscale("log")
    counts = {}
    for name, values in (("truth", truth), ("truth 2", other_truth), ("generated", generated)):
        n = np.histogram(values, edges)[0]
        counts[name] = n / len(values) / width, np.sqrt(n) / len(values) / width
    true, error = counts["truth"]
    upper.stairs(true, edges, fill=True, color="0.85", label="test")
    safe = np.where(true > 0, true, np.nan)
    lower.stairs(1 + error / safe, edges, baseline=1 - error / safe, fill=True, color="0.85")
    for name, label, colour in (("truth 2", "other truth", "black"), ("generated", "generated", COLOURS[1])):
        density, uncertainty = counts[name]
        upper.stairs(density, edges, color=colour, label=label, baseline=None)
        lower.errorbar(middle, density / safe, uncertainty / safe, fmt=".", color=colour, markersize=3, linewidth=0.8)
    lower.axhline(1, color="0.6", linestyle=":", linewidth=1.0)
    if not is_log and true[true > 0].min(initial=1) < 1e-3 * true.max(initial=0):
        upper.set_yscale("log")
    lower.set(xlim=edges[[0, -1]], ylim=(0.5, 1.5))
    upper.set(xlim=edges[[0, -1]])
