"""Distributions of an observable of generated examples, of the test and of more of the truth, with their ratios."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from hepexp.evaluation.generation.histogram import bins
from hepexp.figures import COLOURS, figure, legend_above

COLUMNS = 3
RATIOS = (0.5, 1.5)  # that are drawn
OUTSIDE = 0.01  # of the generated values: more than that are mentioned


def observable(
    path: Path | str, labels: tuple[str, ...], truth: NDArray, other_truth: NDArray, generated: NDArray
) -> None:
    """Draw a panel for each component, and below it the ratio to the truth.

    Bands and bars are statistical errors of independent values, which elements of an example are not quite. Ratios
    beyond the axis are triangles at its end. The axis of the values is that of the truth; how many of those generated
    are outside is said.

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
            edges, is_log = bins(truth[:, k])
            _panel(upper, lower, edges, is_log, truth[:, k], other_truth[:, k], generated[:, k])
            upper.tick_params(labelbottom=False)
            outside = np.mean((generated[:, k] < edges[0]) | (generated[:, k] > edges[-1]))
            lower.set(xlabel=f"{label}\n({outside:.0%} of generated outside)" if outside > OUTSIDE else label)
            if k == 0:
                legend_above(upper, 3)
            if column == 0:
                upper.set(ylabel="density")
                lower.set(ylabel="ratio to truth")
        for empty in range(len(labels), n_rows * n_columns):
            row, column = divmod(empty, n_columns)
            panels[2 * row, column].remove()
            panels[2 * row + 1, column].remove()


def _panel(
    upper, lower, edges: NDArray, is_log: bool, truth: NDArray, other_truth: NDArray, generated: NDArray
) -> None:
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
        ratio = density / safe
        lower.errorbar(middle, ratio, uncertainty / safe, fmt=".", color=colour, markersize=3, linewidth=0.8)
        for beyond, end, marker in ((ratio < RATIOS[0], 0.04, "v"), (ratio > RATIOS[1], 0.96, "^")):
            at = lower.get_xaxis_transform()  # values along the axis, its fraction across
            lower.plot(middle[beyond], np.full(beyond.sum(), end), marker, color=colour, markersize=3, transform=at)
    if not is_log and np.array_equal(truth, np.round(truth)):
        for axes in (upper, lower):
            axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    lower.axhline(1, color="0.6", linestyle=":", linewidth=1.0)
    if not is_log and true[true > 0].min(initial=1) < 1e-3 * true.max(initial=0):
        upper.set_yscale("log")
    lower.set(xlim=edges[[0, -1]], ylim=RATIOS)
    upper.set(xlim=edges[[0, -1]])
