"""A metric against a key of the configuration, or against another metric: one curve per setting."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hepexp.compare.axis import N_TRAIN, Axis
from hepexp.compare.groups import Group, as_typed, different, names
from hepexp.compare.places import UNSURE, draw_places
from hepexp.compare.record import Record, decisive
from hepexp.config import metrics
from hepexp.config.command_line import translate
from hepexp.errors import HepexpError
from hepexp.figures import COLOURS, figure

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LENGTH = ("trainer.max_epochs", "trainer.patience")  # which trainer.min_steps makes larger for small training splits
SPAN = 10  # values that differ by more, or costs that differ by a third of it, are drawn on a logarithmic axis
FRONTIER = "frontier"
DEFAULT = "defaults"  # a setting for which nothing was typed that others have
FEW, WIDTH = 4, 64  # names of curves that are below each other; characters of a line of names
MARKERS = "osD"  # of points; more of them than colours are told apart by these
ON_IT: dict[str, Any] = {"color": "0.6", "linewidth": 1, "linestyle": "--", "zorder": 0, "drawstyle": "steps-post"}
OF_TYPICAL = ("model/flops", "model/latency_1", "model/latency_512")  # costs of an example of `model/multiplicity`


@dataclass(frozen=True)
class Curve:
    """Groups that differ by what is along x alone, in its order.

    Parameters
    ----------
    name : what sets it apart from the other curves.
    """

    name: str
    groups: tuple[Group, ...]


def curves(groups: Sequence[Group], axis: Axis) -> list[Curve]:
    """The curves of a figure, in the order of their first groups; each group is named by its curve and its x.

    Along a key, the groups of a curve agree in all other keys. Along the options of a group, such as `task`, which
    bring other keys along, they agree in what else was typed. Along a metric, each group is a point of its own, or
    those of the same options are points of one colour, where there are more groups than colours.

    Raises
    ------
    ConfigError : a group has no number along x.
    """
    if not axis.is_key and len(groups) <= len(COLOURS):
        return [Curve(own.name, (own,)) for own in sorted(groups, key=lambda own: axis.of(own)[0])]
    kept = _typed(groups, axis) if axis.group else [_without(group.records[0], axis) for group in groups]
    members: dict[str, list[int]] = {}
    for i, settings in enumerate(kept):
        members.setdefault(json.dumps(settings, sort_keys=True, default=str), []).append(i)
    firsts = [own[0] for own in members.values()]
    if axis.group:
        apart = different([kept[i] for i in firsts])
        called = [as_typed({key: value for key, value in own.items() if value is not None}) for own in apart]
        called = [name or (DEFAULT if len(called) > 1 else "") for name in called]
    else:
        called = names([groups[i].records[0] for i in firsts], [kept[i] for i in firsts])
    found = []
    for name, own in zip(called, members.values(), strict=True):
        ordered = sorted((groups[i] for i in own), key=lambda group: axis.of(group)[0])
        if axis.is_key:
            ordered = [replace(group, name=f"{name} {axis.typed(group)}".strip()) for group in ordered]
        found.append(Curve(name, tuple(ordered)))
    return found


def draw_curves(path: Path | str, found: Sequence[Curve], axis: Axis, metric: str, title: str) -> None:
    """Draw a metric along x: bands of one standard deviation over seeds, error bars where a point is of one run.

    Words have a place each (see `draw_places`). Along a metric, a dashed line joins the settings of the frontier, which
    values without an error do not define. A point without an error is open; so are lower bounds, as triangles.

    Parameters
    ----------
    path : ends in .png or .pdf.
    metric : in full.

    Raises
    ------
    HepexpError : no run has a value of the metric, or there are more curves than colours.
    """
    if axis.words:
        return draw_places(path, [(curve.name, curve.groups) for curve in found], axis, metric, title)
    most = len(COLOURS) if axis.is_key else len(COLOURS) * len(MARKERS)
    if len(found) > most:
        raise HepexpError(f"a figure of {len(found)} settings would be unreadable; select at most {most}")
    longest = max(len(curve.name) for curve in found)
    columns = 1 if len(found) <= FEW else max(1, WIDTH // (longest + 5))
    with figure(path, 5.4, 4.0 + 0.22 * math.ceil(len(found) / columns), title) as drawing:
        axes, every = drawing.subplots(), []
        for curve, (marker, colour) in zip(found, product(MARKERS, COLOURS), strict=False):
            bounds = [(axis.of(g)[0], least) for g in curve.groups if (least := g.figure(metric).bound) is not None]
            valued = [g for g in curve.groups if isinstance(g.figure(metric).value, int | float)]
            points = [(*axis.of(g), g.figure(metric), len(g.records)) for g in valued]
            if bounds:
                label = f"{curve.name} (lower bound)" if not points else None
                axes.plot(*zip(*bounds, strict=True), "^", color=colour, fillstyle="none", markersize=7, label=label)
            if not points:
                continue
            x, y = np.array([point[0] for point in points], float), np.array([point[2].value for point in points])
            error = np.array([math.nan if point[2].error is None else point[2].error for point in points])
            every.append((x, y, [not group.lacks_error(metric) for group in valued]))
            if axis.is_key and len(points) > 1 and all(n > 1 for *_, n in points):
                axes.plot(x, y, "o-", color=colour, label=curve.name, markersize=4)
                axes.fill_between(x, y - error, y + error, color=colour, alpha=0.25, linewidth=0)
            else:
                along, style = np.array([point[1] or 0 for point in points]), "o-" if axis.is_key else marker
                across = along if along.any() else None
                axes.errorbar(
                    x, y, error, across, style, color=colour, label=curve.name, markersize=4, elinewidth=1, capsize=2
                )
                unsure = ~np.array(every[-1][-1])
                axes.plot(x[unsure], y[unsure], style[0], color=colour, markersize=4, markerfacecolor=UNSURE)
        if not every:
            raise HepexpError(f"no run has a value of {metric}")
        axes.set(xlabel=_along(axis, found), ylabel=metrics.heading(metric))
        x, y, has_error = map(np.concatenate, zip(*every, strict=True))
        is_cost = not axis.is_key and metrics.lower_is_better(axis.name)
        for side, values, span in (("x", x, SPAN / 3 if is_cost else SPAN), ("y", y, SPAN)):
            if values.min() > 0 and values.max() >= span * values.min():
                _logarithmic(axes, side)
        sure = np.flatnonzero(has_error)  # a value without an error may be as high by chance
        best = () if axis.is_key else sure[frontier(x[sure], y[sure], axis.name, metric)]
        if len(best):
            end = x.max() if is_cost else x.min()  # who pays more can have the best as well
            axes.plot(np.r_[x[best], end], y[best][[*range(len(best)), -1]], label=FRONTIER, **ON_IT)
        handles, labels = axes.get_legend_handles_labels()
        shown = sorted(zip(handles, labels, strict=True), key=lambda pair: pair[1] == FRONTIER)
        drawing.legend(*zip(*shown, strict=True), loc="outside lower center", ncols=columns)
    return None


def off_frontier(groups: Sequence[Group], axis: Axis, metric: str) -> list[str]:
    """Lines that say which settings cannot be on the frontier of a figure, and why."""
    if axis.is_key or not len(frontier(np.zeros(1), np.zeros(1), axis.name, metric)):
        return []
    said: dict[str, list[str]] = {}
    for own in groups:
        why = own.lacks_error(metric)
        if own.figure(metric).bound is not None:
            why = f"a lower bound of {metrics.heading(metric)} is no value"
        if why:
            said.setdefault(why, []).append(own.name)
    return [f"not on the frontier: {', '.join(names)}: {why}" for why, names in said.items()]


def frontier(x: np.ndarray, y: np.ndarray, along: str, metric: str) -> np.ndarray:
    """The points that no other one beats in one of two metrics without being worse in the other, in the order of x.

    Parameters
    ----------
    x, y : values (n,) of the metrics `along` and `metric`.

    Returns
    -------
    Their positions, from the best x to the best y; none where neither higher nor lower is better.
    """
    directions = [found.better if (found := metrics.find(name)) else "neither" for name in (along, metric)]
    if "neither" in directions:
        return np.array([], int)
    x, y = (-v if way == "higher" else v for v, way in zip((x, y), directions, strict=True))  # smaller is better
    order = np.lexsort((y, x))
    before = np.minimum.accumulate(np.r_[np.inf, y[order]])[:-1]
    return order[y[order] < before]


def _along(axis: Axis, found: Sequence[Curve]) -> str:
    """The label of x; of costs per example it says of how many particles or nodes, where all runs agree."""
    groups = [group for curve in found for group in curve.groups]
    sizes = {group.figure("model/multiplicity").value for group in groups}
    (n,) = sizes if len(sizes) == 1 else (None,)
    return f"{axis.heading}, multiplicity {n:,.0f}" if n and axis.name in OF_TYPICAL else axis.heading


def _logarithmic(axes: Axes, side: str) -> None:
    """A logarithmic axis with figures at 1, 2 and 5: 500, 2k, 0.001."""
    from matplotlib.ticker import EngFormatter, LogLocator, NullFormatter

    thousands = EngFormatter(sep="")
    axes.set(**{f"{side}scale": "log"})
    drawn = getattr(axes, f"{side}axis")
    drawn.set_major_locator(LogLocator(subs=(1, 2, 5)))
    drawn.set_major_formatter(lambda value, place: thousands(value) if value >= 1000 else f"{value:g}")
    drawn.set_minor_formatter(NullFormatter())


def _without(record: Record, axis: Axis) -> Mapping[str, Any]:
    """What the runs of a curve have in common."""
    if not axis.is_key:
        return {key: value for key, value in record.settings.items() if key.startswith("choices.")}
    along = {axis.name}
    if axis.name == N_TRAIN and record.settings.get("trainer.min_steps"):
        along |= set(LENGTH)
    return {key: value for key, value in record.settings.items() if key not in along}


def _typed(groups: Sequence[Group], axis: Axis) -> list[dict[str, Any]]:
    """What was typed for each group beside its option along x; of equal commands, whose defaults differ, a number."""
    found: list[dict[str, Any]] = []
    counts: Counter[str] = Counter()
    for group in groups:
        words = (word.lstrip("+").partition("=") for word in translate(group.records[0].folder.overrides))
        own = decisive({key: value for key, _, value in words if key != axis.group})
        place = json.dumps([axis.of(group)[0], own], sort_keys=True)
        counts[place] += 1
        found.append({**own, DEFAULT: str(counts[place])} if counts[place] > 1 else own)
    return found
