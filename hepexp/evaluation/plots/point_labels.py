"""Names beside the points of a figure, inside the axes, clear of each other where there is room."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LETTERS = 24  # of a name that are shown
SIZE, TICK = 8, 7  # of letters, and what the axes' ticks take, in points
POINT, STRANGER = 3.0, 5.0  # half of the room that a point takes for its own name and for those of others, in points
DISTANCES, DIRECTIONS = (4.0, 9.0, 15.0, 22.0, 30.0), 16  # where a name may be from its point, in points
FAR = 8.0  # from which a line leads to the point
LENGTH = 2.0  # what a point of distance costs, in square points of overlap
BORDER = 0.5  # around a name, in points
LINE = 3.0  # what a line across a name costs, per square point halfway
PASSES = 6


def label_points(axes: Axes, points: Mapping[str, tuple[float, float]]) -> None:
    """Write the name beside each point (x, y) of the axes, whose limits and scales are final.

    Each name in turn takes the place where it overlaps least with the others and with the points, near its own; a few
    rounds are enough. A name of more than 24 letters is cut.
    """
    drawing = axes.figure.canvas.figure
    drawing.draw_without_rendering()  # lays out the axes
    scale = 72 / drawing.dpi
    where = axes.transData.transform(list(points.values())) * scale  # (n, 2) in points
    low, high = axes.get_window_extent().get_points() * scale
    shown = [name if len(name) <= LETTERS else f"{name[: LETTERS - 1]}…" for name in points]
    notes = [
        axes.annotate(name, point, xytext=(0, 0), textcoords="offset points", fontsize=SIZE, ha="center", va="center")
        for name, point in zip(shown, points.values(), strict=True)
    ]
    half = np.array([note.get_window_extent().size for note in notes]) * scale / 2 + BORDER  # (n, 2)

    angle = 2 * np.pi * np.arange(DIRECTIONS) / DIRECTIONS
    way = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    tried = np.array([r for r, _ in product(DISTANCES, way)])
    ways = np.array([one for _, one in product(DISTANCES, way)])
    offsets = tried[:, None] * ways + half[:, None] * ways  # (n, tried, 2), of the centre of a name
    inside = np.clip(where[:, None] + offsets, low + TICK + half[:, None], high - TICK - half[:, None])
    offsets = inside - where[:, None]
    chosen = offsets[:, 0].copy()
    for i in [*range(len(shown))] * PASSES:
        others = np.arange(len(shown)) != i
        centres = where[i] + offsets[i]
        cost = _overlap(centres, half[i], (where + chosen)[others], half[others])
        cost += LINE * _overlap(where[i] + offsets[i] / 2, np.full(2, POINT), (where + chosen)[others], half[others])
        cost += _overlap(centres, half[i], where, np.where(others, STRANGER, POINT)[:, None])
        chosen[i] = offsets[i, np.argmin(cost + LENGTH * tried)]
    for note, offset, size in zip(notes, chosen, half, strict=True):
        note.set_position(offset)
        gap = np.hypot(*np.maximum(np.abs(offset) - size, 0))
        if gap > FAR:
            _lead(axes, note.xy, offset)


def _overlap(centres: np.ndarray, half: np.ndarray, others: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Area (tried,) that a box of half-width and half-height (2,), at each of its centres, shares with other boxes."""
    shared = half + sizes - np.abs(centres[:, None] - others)
    shared = np.clip(shared, 0, 2 * np.minimum(half, sizes))
    return shared.prod(-1).sum(-1)


def _lead(axes: Axes, point: tuple[float, float], offset: np.ndarray) -> None:
    """A thin line from a point to the centre of its name, ending before the letters."""
    axes.annotate(
        "",
        point,
        xytext=tuple(offset),
        textcoords="offset points",
        arrowprops={"arrowstyle": "-", "color": "0.6", "linewidth": 0.6, "shrinkA": SIZE * 0.7, "shrinkB": POINT},
        zorder=0,
    )
