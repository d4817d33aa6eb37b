"""A metric at each word of a key, such as a task, the settings side by side."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hepexp.compare.axis import Axis
from hepexp.compare.groups import Group
from hepexp.config import metrics
from hepexp.errors import HepexpError
from hepexp.figures import COLOURS, figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST = 40  # places
UNSURE = "white"  # inside of a point whose error is not known
LEAST_WIDTH, MARGIN, APART = 5.4, 0.9, 0.16  # of a figure, beside its axes, from point to point; in inches
LETTER, TILT = 0.078, 30  # average width of a letter of a word, in inches; of words that are too long, in degrees


def draw_places(
    path: Path | str, settings: Sequence[tuple[str, Sequence[Group]]], axis: Axis, metric: str, title: str
) -> None:
    """Draw the mean of each group with its error bar at the place of its word, the settings in a fixed order around it.

    The bar is the standard deviation over seeds, of one run its bootstrap error. Without an error the point is open;
    so are lower bounds, as triangles.

    Parameters
    ----------
    path : ends in .png or .pdf.
    settings : names with their groups.
    axis : with words.
    metric : in full.

    Raises
    ------
    HepexpError : no run has a value of the metric, or there are more settings than colours, or too many words.
    """
    words = list(axis.words.values())
    if len(settings) > len(COLOURS):
        raise HepexpError(f"a figure of {len(settings)} settings would be unreadable; select at most {len(COLOURS)}")
    if len(words) > MOST:
        raise HepexpError(
            f"a figure of {len(words)} places along {axis.heading} would be unreadable; select at most {MOST}"
        )
    step = 1 / (len(settings) + 1)  # between settings, in units of the distance between places
    width = max(LEAST_WIDTH, MARGIN + APART * len(words) / step)
    longest = LETTER * max(map(len, words))
    tilt = TILT if longest > (width - MARGIN) / len(words) else 0
    height = 4.0 + longest * math.sin(math.radians(tilt)) + 0.22 * len(settings)
    with figure(path, width, height, title) as drawing:
        axes = drawing.subplots()
        drawn = [
            _draw(axes, name, groups, axis, metric, (k + 1) * step - 0.5, COLOURS[k])
            for k, (name, groups) in enumerate(settings)
        ]
        if not any(drawn):
            raise HepexpError(f"no run has a value of {metric}")
        axes.set(xlabel=axis.heading, ylabel=metrics.heading(metric), xlim=(-0.5, len(words) - 0.5))
        leaning: dict[str, Any] = {"rotation": tilt, "ha": "right", "rotation_mode": "anchor"} if tilt else {}
        axes.set_xticks(range(len(words)), words, **leaning)
        axes.tick_params(axis="x", which="both", bottom=False, top=False)
        for place in range(1, len(words)):
            axes.axvline(place - 0.5, color="0.85", linewidth=0.8, zorder=0)
        if any(name for name, _ in settings):
            drawing.legend(loc="outside lower center", ncols=1 if len(settings) > 2 else len(settings))


def _draw(axes: Axes, name: str, groups: Sequence[Group], axis: Axis, metric: str, aside: float, colour: str) -> bool:
    """Draw the groups of a setting, so far beside their places; whether any has a value."""
    found = [(axis.of(group)[0] + aside, group.figure(metric), group.lacks_error(metric)) for group in groups]
    valued = [(x, one, lacks) for x, one, lacks in found if isinstance(one.value, int | float)]
    values = [(x, one.value, math.nan if one.error is None else one.error) for x, one, _ in valued]
    unsure = [(x, one.value) for x, one, lacks in valued if lacks]
    bounds = [(x, one.bound) for x, one, _ in found if one.bound is not None]
    if values:
        x, y, error = zip(*values, strict=True)
        axes.errorbar(x, y, error, fmt="o", color=colour, label=name, markersize=5, elinewidth=1.2, capsize=2.5)
    if unsure:
        axes.plot(*zip(*unsure, strict=True), "o", color=colour, markersize=5, markerfacecolor=UNSURE)
    if bounds:
        label = None if values else f"{name} (lower bound)"
        axes.plot(*zip(*bounds, strict=True), "^", color=colour, fillstyle="none", markersize=7, label=label)
    return bool(values)
