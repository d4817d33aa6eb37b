"""The figures of a sweep: values by trial, importances, settings against values, and the Pareto front."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hepexp.config.metrics import heading
from hepexp.figures import COLOURS, figure, legend_above
from hepexp.sweep.space import Dimension

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from optuna.trial import FrozenTrial


def history(path: Path, trials: Sequence[FrozenTrial], metric: str, direction: str) -> None:
    """Draw the value of each completed trial, and the best one so far."""
    from matplotlib.ticker import MaxNLocator

    at, values = [trial.number for trial in trials], [trial.values[0] for trial in trials]
    best = np.maximum.accumulate(values) if direction == "maximize" else np.minimum.accumulate(values)
    with figure(path, 5.4, 4.2, "value of each trial") as drawing:
        axes = drawing.subplots()
        axes.plot(at, values, "o", color=COLOURS[0], markersize=5, label="trial")
        axes.step(at, best, where="post", color=COLOURS[1], label="best so far")
        axes.set(xlabel="trial", ylabel=heading(metric))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axes.tick_params(axis="x", which="minor", bottom=False, top=False)  # there are no half trials
        legend_above(axes)


def importances(path: Path, shares: Mapping[str, float], metric: str) -> None:
    """Draw the share of the variance of a metric that each key explains."""
    keys, share = list(shares), list(shares.values())
    with figure(
        path, 6.4, 1.2 + 0.4 * len(keys), f"share of the variance of {heading(metric)} over the trials"
    ) as drawing:
        axes = drawing.subplots()
        axes.barh(keys, share, height=0.6, color=COLOURS[0])
        for k, value in enumerate(share):
            axes.text(value + 0.01, k, f"{value:.2f}", va="center", fontsize=9)
        axes.set(xlabel="share (fANOVA)", xlim=(0, 1.12))
        axes.invert_yaxis()
        axes.tick_params(axis="y", which="both", length=0)


def parallel_coordinate(
    path: Path,
    trials: Sequence[FrozenTrial],
    settings: Sequence[Mapping[str, Any]],
    space: Sequence[Dimension],
    metric: str,
    direction: str,
) -> None:
    """Draw each completed trial as a line through its settings, coloured by its value, the best ones on top.

    Parameters
    ----------
    settings : of each trial; a line is interrupted where its setting is not known.
    """
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    values = np.array([trial.values[0] for trial in trials])
    norm = Normalize(values.min(), values.max() if values.max() > values.min() else values.min() + 1)
    colours = ScalarMappable(norm, "viridis" if direction == "maximize" else "viridis_r")
    with figure(path, 1.6 + 1.9 * len(space), 4.2, "settings of each trial") as drawing:
        axes = drawing.subplots()
        heights = np.stack([_scale(axes, k, dim, [s.get(dim.key) for s in settings]) for k, dim in enumerate(space)])
        for i in np.argsort(values if direction == "maximize" else -values):
            axes.plot(range(len(space)), heights[:, i], "o-", color=colours.to_rgba(values[i]), markersize=4)
        axes.set(xlim=(-0.3, len(space) - 0.3), ylim=(-0.05, 1.05), yticks=[])
        axes.set_xticks(range(len(space)), [dim.key.replace(".", ".\n") for dim in space], fontsize=9)
        axes.tick_params(which="both", length=0)
        axes.minorticks_off()
        drawing.colorbar(colours, ax=axes, label=heading(metric)).ax.minorticks_off()


def pareto_front(
    path: Path, trials: Sequence[FrozenTrial], front: Sequence[FrozenTrial], metrics: Sequence[str]
) -> None:
    """Draw both values of each completed trial, and those that no other beats in both."""
    with figure(path, 5.4, 4.4, "Pareto front: trials that no other beats in both metrics") as drawing:
        axes = drawing.subplots()
        axes.plot(*np.array([trial.values for trial in trials]).T, "o", color="0.6", markersize=5, label="trial")
        best = np.array(sorted(trial.values for trial in front))
        axes.plot(*best.T, "o-", color=COLOURS[1], markersize=6, label="front")
        axes.set(xlabel=heading(metrics[0]), ylabel=heading(metrics[1]))
        legend_above(axes)


def _scale(axes: Axes, at: int, dimension: Dimension, chosen: Sequence[Any]) -> np.ndarray:
    """Heights (n,) from 0 to 1 of the values chosen, on a line with the ends, or the choices, written beside it.

    The height of a value that is not known (None) is NaN.
    """
    axes.axvline(at, color="0.7", linewidth=0.8, zorder=0)
    found = [value for value in chosen if value is not None]
    if dimension.kind == "choice":
        names = list(dict.fromkeys(map(str, [*dimension.values, *found])))
        marks = dict(zip(names, np.linspace(0, 1, len(names)) if len(names) > 1 else [0.5], strict=True))
        heights = np.array([marks.get(str(value), np.nan) for value in chosen])
    else:  # earlier bounds may have been wider
        values = np.array([np.nan if value is None else float(value) for value in chosen])
        ends = [*map(float, dimension.values), *map(float, found)]
        low, high = min(ends), max(ends)
        of = np.log if dimension.kind.startswith("log") else np.asarray
        heights = (of(values) - of(low)) / ((of(high) - of(low)) or 1)
        marks = {f"{low:g}": 0.0, f"{high:g}": 1.0}
    for text, height in marks.items():
        axes.text(
            at + 0.04, height, text, va="center", fontsize=8, bbox={"facecolor": "white", "linewidth": 0, "pad": 1}
        )
    return heights
