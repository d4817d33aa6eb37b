"""One figure of all groups: background rejection, score, and learning curve."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hepexp.compare.groups import Group
from hepexp.config.metrics import heading
from hepexp.errors import HepexpError
from hepexp.evaluation.bootstrap import effective_number, ones
from hepexp.evaluation.classifiers.scored_examples import ScoredExamples
from hepexp.evaluation.predictions import Predictions
from hepexp.evaluation.roc import background_at
from hepexp.evaluation.rounding import with_error
from hepexp.figures import COLOURS, class_name, figure, legend_above

GRID = np.linspace(0.01, 1.0, 200)  # signal efficiencies
FEWEST = 5  # background examples above the cut, below which 1/eB is noise and a curve ends
BINS = 30


def overlay(path: Path | str, groups: Sequence[Group], monitor: str = "val/auc") -> None:
    """Draw mean curves over the seeds of each group with bands of one standard deviation; one run has no band.

    Panels: 1/eB against eS; the scores of signal (solid) and background (dashed); the monitored value by epoch.

    Parameters
    ----------
    path : ends in .png or .pdf.
    groups : of two classes; more classes have no single ROC curve.
    monitor : the value by epoch, of history.json; the loss where runs lack it.

    Raises
    ------
    HepexpError : more than two classes, or more groups than there are colours.
    """
    if len(groups) > len(COLOURS):
        raise HepexpError(f"a figure of {len(groups)} settings would be unreadable; select at most {len(COLOURS)}")
    names = groups[0].records[0].predictions.class_names
    if len(names) != 2:
        raise HepexpError(f"the figure shows signal against background; these runs have {len(names)} classes")
    trained = any(record.history for group in groups for record in group.records)
    columns = 1 if max(len(group.name) for group in groups) > 40 else 3
    height = 4.2 + 0.25 * math.ceil(len(groups) / columns)
    with figure(path, 4.6 * (2 + trained), height, tested_on(groups)) as drawing:
        panels = drawing.subplots(1, 2 + trained)
        _rejections(panels[0], groups, names)
        _scores(panels[1], groups, names)
        if trained:
            _learning(panels[2], groups, monitor)
        # below the panels: names of settings may be long
        drawing.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=columns, title="AUC")


def tested_on(groups: Sequence[Group]) -> str:
    """The data that the runs were tested on, each set once, with the number of examples."""
    records = [record for group in groups for record in group.records if record.reads_data]
    tested = {(record.conditions.sample, record.tested[0]) for record in records}
    if not tested:
        return "trained and tested without data"
    return "test of " + " and ".join(f"{sample}, {n:,} examples" for sample, n in sorted(tested))


def _rejections(axes, groups: Sequence[Group], names: tuple[str, ...]) -> None:
    top = 10.0
    for group, colour in zip(groups, COLOURS, strict=False):
        curves, shown = [], np.ones(len(GRID), bool)
        for record in group.records:
            roc = ScoredExamples(record.predictions.scores, record.predictions.label).against_rest(1)
            weight = ones(len(roc.order), record.predictions.weight)
            background = background_at(*roc.counts(weight), GRID)
            shown &= background * effective_number(weight[roc.order[~roc.signal]]) >= FEWEST
            curves.append(1 / np.maximum(background, 1e-12))
        auc = group.figure("test/auc")
        text = group.name
        if isinstance(auc.value, int | float):
            text += f": {with_error(auc.value, auc.error)}"
        _line(axes, GRID[shown], np.array(curves)[:, shown], colour, text)
        top = max([top, *np.mean(curves, axis=0)[shown]])
    axes.plot(GRID, 1 / GRID, color="0.6", linestyle=":", linewidth=1.2)
    axes.set(xlim=(0, 1), ylim=(1, 2 * top), yscale="log")
    axes.set_xlabel(f"signal efficiency $\\varepsilon_S$ ({class_name(names, 1)})")
    axes.set_ylabel(f"background rejection $1/\\varepsilon_B$ ({class_name(names, 0)})")


def _scores(axes, groups: Sequence[Group], names: tuple[str, ...]) -> None:
    every = [record.predictions.scores[:, 1] for group in groups for record in group.records]
    low, high = min(map(np.min, every)), max(map(np.max, every))
    if low >= 0 and high <= 1:
        low, high = 0, 1
    edges = np.linspace(low, high, BINS + 1)
    for group, colour in zip(groups, COLOURS, strict=False):
        for label, style in ((1, "-"), (0, "--")):
            own = [_scores_of(record.predictions, label) for record in group.records]
            content = np.mean([np.histogram(s, bins=edges, weights=w, density=True)[0] for s, w in own], axis=0)
            axes.stairs(content, edges, color=colour, linestyle=style)
    for label, style in ((1, "-"), (0, "--")):
        axes.plot([], [], color="0.3", linestyle=style, label=class_name(names, label))
    axes.set(xlabel=f"score of {class_name(names, 1)}", ylabel="density", xlim=(edges[0], edges[-1]))
    axes.set_ylim(0, None)
    legend_above(axes)


def _scores_of(found: Predictions, label: int) -> tuple[np.ndarray, np.ndarray | None]:
    """Signal scores and weights, if any, of the examples of a class."""
    own = found.label == label
    return found.scores[own, 1], None if found.weight is None else found.weight[own]


def _learning(axes, groups: Sequence[Group], monitor: str) -> None:
    from matplotlib.ticker import MaxNLocator

    rows = [row for group in groups for record in group.records for row in record.history]
    key = monitor if any(row.get(monitor) is not None for row in rows) else "val/loss"
    for group, colour in zip(groups, COLOURS, strict=False):
        curves = [[row.get(key, np.nan) for row in record.history] for record in group.records]
        shortest = min(map(len, curves))  # seeds that stopped early end the mean
        if shortest:
            values = np.array([curve[:shortest] for curve in curves], float)
            _line(axes, np.arange(shortest) + 1, values, colour, group.name, "o-")
    axes.set(xlabel="epoch", ylabel=heading(key))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.tick_params(axis="x", which="minor", bottom=False, top=False)


def _line(axes, x: np.ndarray, curves: np.ndarray, colour: str, text: str, style: str = "-") -> None:
    mean = curves.mean(axis=0)
    axes.plot(x, mean, style, color=colour, label=text, markersize=3)
    if len(curves) > 1:
        spread = curves.std(axis=0, ddof=1)
        axes.fill_between(x, mean - spread, mean + spread, color=colour, alpha=0.25, linewidth=0)
