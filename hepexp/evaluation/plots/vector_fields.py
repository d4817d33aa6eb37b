"""Learnt vector fields over the points that they move, and an oracle along their flows."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hepexp.figures import COLOURS, figure

COLUMNS = 3  # of fields
MOST = 300  # arrows: more would hide each other
LEAST = 0.1  # range of the change that is shown, in standard deviations


def vector_fields(path: Path | str, points: np.ndarray, fields: np.ndarray, names: Sequence[str]) -> None:
    """Draw the first two components of each field (n, c, d) as arrows at the points (n, d)."""
    lines = -(-len(names) // COLUMNS)
    columns = min(COLUMNS, len(names))
    step = -(-len(points) // MOST)  # examples are in the order of their classes
    x = points[::step]
    y = x[:, 1] if x.shape[1] > 1 else np.zeros(len(x))
    with figure(path, 4.2 * columns, 4.4 * lines, "learnt fields") as drawing:
        grid = drawing.subplots(lines, columns, squeeze=False)
        for axes in grid.flat[len(names) :]:
            axes.set_visible(False)
        for axes, field, name in zip(grid.flat, fields[::step].swapaxes(0, 1), names, strict=False):
            v = field[:, 1] if field.shape[1] > 1 else np.zeros(len(field))
            axes.quiver(x[:, 0], y, field[:, 0], v, color=COLOURS[0], width=0.004)
            axes.set(xlabel="component 1", ylabel="component 2", aspect="equal", title=name)
            axes.margins(0.15)


def oracle_along_flows(path: Path | str, time: np.ndarray, change: np.ndarray, names: Sequence[str]) -> None:
    """Draw the change (c, n, T) of the oracle, in standard deviations, along the flow of each field from n points."""
    columns = min(COLUMNS, len(names))
    lines = -(-len(names) // COLUMNS)
    with figure(path, 4.2 * columns, 3.4 * lines, "the oracle along the flows") as drawing:
        grid = drawing.subplots(lines, columns, squeeze=False)
        for axes in grid.flat[len(names) :]:
            axes.set_visible(False)
        for axes, curves, name in zip(grid.flat, change, names, strict=False):
            axes.plot(time, curves.T, color=COLOURS[0], alpha=0.6, linewidth=1)
            axes.set(xlabel="$t$", ylabel=r"change of the oracle, in $\sigma$", title=name)
            most = 1.1 * max(float(np.abs(curves).max()), LEAST)
            axes.set_ylim(-most, most)
