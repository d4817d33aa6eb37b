"""Learnt generators, the metric that they leave invariant, and what they do to the data."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from hepexp.figures import COLOURS, class_name, figure
from hepexp.symmetry.metric_tensor import MetricTensor

LAYOUT = 4  # of generators
MOST = 1500  # examples that are drawn: more would hide each other


def generators(path: Path | str, matrices: np.ndarray) -> None:
    """Draw each generator (c, n, n) as a heat map with its entries, all on one colour scale."""
    columns = min(LAYOUT, len(matrices))
    lines = -(-len(matrices) // columns)
    side = 0.7 + 0.55 * matrices.shape[1]
    most = float(np.abs(matrices).max()) or 1.0
    with figure(path, max(3.6, side * columns + 0.6), (side + 0.3) * lines, "learnt generators") as drawing:
        grid = drawing.subplots(lines, columns, squeeze=False)
        for axes in grid.flat[len(matrices) :]:
            axes.set_visible(False)
        for c, (axes, matrix) in enumerate(zip(grid.flat, matrices, strict=False)):
            _matrix(axes, matrix, most, f"$L_{{{c + 1}}}$, norm {np.linalg.norm(matrix):.2f}")


def metric(path: Path | str, found: MetricTensor, reference: tuple[str, np.ndarray] | None) -> None:
    """Draw the nearest metric, beside it that of an algebra, and the singular values that show how near it is."""
    shown = [("J" if found.J is not None else "nearest J", found.nearest)]
    if reference is not None:
        shown.append((f"metric of {reference[0]}", reference[1]))
    side = 0.9 + 0.55 * len(found.nearest)
    with figure(path, side * len(shown) + 3.6, max(3.0, side + 0.5), str(found)) as drawing:
        *maps, spectrum = drawing.subplots(1, len(shown) + 1, width_ratios=[side] * len(shown) + [3.2])
        drawing.set_layout_engine("constrained", wspace=0.08)  # the long name of an axis stands between
        most = max(float(np.abs(matrix).max()) for _, matrix in shown)
        for axes, (name, matrix) in zip(maps, shown, strict=True):
            _matrix(axes, matrix, most, name)
        rank = np.arange(1, len(found.spectrum) + 1)
        spectrum.plot(rank, found.spectrum, "o-", color=COLOURS[0], markersize=4)
        spectrum.set(xlabel="rank", ylabel=r"singular value of $J \to L^T J + J L$", ylim=(0, None), xticks=rank)
        spectrum.minorticks_off()


def structure_constants(path: Path | str, constants: np.ndarray, name: str) -> None:
    """Draw f_ijk (d, d, d) as one heat map with a row for each pair i < j and a column for each k."""
    first, second = np.triu_indices(len(constants), 1)
    rows = constants[first, second]
    most = float(np.abs(rows).max()) or 1.0
    with figure(path, 2.4 + 0.55 * len(constants), 1.4 + 0.33 * len(rows), name) as drawing:
        axes = drawing.subplots()
        _matrix(axes, rows, most, "structure constants")
        axes.set_xticks(range(len(constants)), [f"$L_{{{k + 1}}}$" for k in range(len(constants))])
        axes.tick_params(length=0)
        pairs = zip(first + 1, second + 1, strict=True)
        axes.set_yticks(range(len(rows)), [f"$[L_{{{i}}}, L_{{{j}}}]$" for i, j in pairs])


def transformed_vectors(
    path: Path | str, vectors: Mapping[str, np.ndarray], label: np.ndarray, class_names: tuple[str, ...] = ()
) -> None:
    """Draw the first two components of the first vector of each example (n, K, d), before and after, by class."""
    size = 4.2
    low, high = (np.quantile(vectors["data"][:, 0, :2], q) for q in (0.002, 0.998))
    margin = 0.5 * (high - low)
    with figure(
        path, size * len(vectors), size, "data before and after random transformations from the learnt group"
    ) as drawing:
        for axes, (name, values) in zip(drawing.subplots(1, len(vectors)), vectors.items(), strict=True):
            for c in np.unique(label):
                first = values[:MOST, 0][label[:MOST] == c]
                text = class_name(class_names, int(c))
                second = first[:, 1] if first.shape[1] > 1 else np.zeros(len(first))
                axes.scatter(
                    first[:, 0], second, s=4, alpha=0.5, linewidths=0, color=COLOURS[c % len(COLOURS)], label=text
                )
            axes.set(xlabel="component 1", ylabel="component 2", title=name)
            axes.set(xlim=(low - margin, high + margin), ylim=(low - margin, high + margin))
        drawing.legend(
            *axes.get_legend_handles_labels(), loc="outside lower center", ncols=5, markerscale=3
        )  # the same in all


def _matrix(axes, matrix: np.ndarray, most: float, title: str) -> None:
    axes.imshow(matrix, cmap="RdBu_r", vmin=-most, vmax=most)
    for (row, column), value in np.ndenumerate(matrix):
        colour = "white" if abs(value) > 0.6 * most else "black"
        axes.text(column, row, f"{value:.2f}", ha="center", va="center", fontsize=7, color=colour)
    axes.set(xticks=[], yticks=[])
    axes.minorticks_off()
    axes.set_title(title, fontsize=9)
