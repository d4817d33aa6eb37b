"""The significance improvement against the signal efficiency."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hepexp.evaluation.bootstrap import TAIL, error_of, replicas
from hepexp.evaluation.classifiers.scored_examples import ScoredExamples
from hepexp.evaluation.roc import Roc, background_at, has_both, improvement
from hepexp.evaluation.rounding import with_error
from hepexp.figures import COLOURS, class_name, figure, legend_above

MOST_POINTS = 2000  # of a curve
GRID = np.linspace(0, 1, 401)[1:]


def significance_improvement(
    path: Path | str,
    examples: ScoredExamples,
    allowed: Mapping[int, NDArray[np.bool_]],
    floor: int,
    seed: int = 0,
    n_bootstrap: int = 200,
) -> None:
    """Draw eS / sqrt(eB) against eS, with its largest value as in the metrics.

    A curve ends where a cut leaves fewer background examples than the floor. With two classes there is a bootstrap band
    of one standard deviation; with more it is left out, as bands would hide each other.

    Parameters
    ----------
    allowed : for the label of each class to be drawn against the background, the thresholds (t + 1,) of its ROC curve
        that leave enough background.
    floor : least number of background examples, effective number with weights.
    seed : of the bootstrap.
    """
    setting, binary = examples.setting, examples.n_classes == 2
    with figure(path, *((5.2, 4.7) if binary else (7.4, 4.4)), "significance improvement") as drawing:
        axes, top, ends = drawing.subplots(), 1.0, []
        for c, thresholds in allowed.items():
            colour = COLOURS[(c - binary) % len(COLOURS)]
            curve, name = examples.against_background(c), class_name(setting.class_names, c)
            es, sic = (values[thresholds] for values in improvement(*curve.counts(examples.weights)))
            es, sic = es[np.isfinite(sic)], sic[np.isfinite(sic)]
            if not len(sic):
                axes.plot([], [], color=colour, label=f"{name}: too few background examples")
                continue
            best = int(np.argmax(sic))
            largest, band = _of_replicas(curve, thresholds, examples, seed, n_bootstrap)
            error, _ = error_of(largest, len(examples))
            shown = np.union1d(np.linspace(0, len(es) - 1, MOST_POINTS).astype(int), best)
            text = f"{name}: max {with_error(sic[best], error)} at $\\varepsilon_S$ = {es[best]:.2g}"
            axes.plot(es[shown], sic[shown], color=colour, label=text)
            axes.plot(es[best], sic[best], "o", color=colour, markersize=6)
            inside = es.min() <= GRID
            if binary and len(band) > 1 and inside.any():
                low, high = np.nanquantile(band[:, inside], (TAIL, 1 - TAIL), axis=0)  # of eB
                edges = (GRID[inside] / np.sqrt(np.maximum(eb, 1e-12)) for eb in (high, low))
                axes.fill_between(GRID[inside], *edges, color=colour, alpha=0.25, linewidth=0)
            ends.append((es[0], sic[0], colour))
            top = max(top, sic[best])
        for x, y, colour in ends:
            axes.plot(x, y, "|", color=colour, markersize=12, markeredgewidth=2)
        axes.plot([], [], "|", color="0.3", markersize=12, label=f"{floor:,} background examples left")
        axes.plot(GRID, np.sqrt(GRID), color="0.6", linestyle=":", linewidth=1.2, label="random")
        signal = class_name(setting.class_names, 1) if binary else "the class"
        axes.set(
            xlabel=f"signal efficiency $\\varepsilon_S$ ({signal})",
            ylabel="significance improvement $\\varepsilon_S/\\sqrt{\\varepsilon_B}$"
            f" ({class_name(setting.class_names, examples.background)})",
            xlim=(0, 1.02),
            ylim=(0, 1.25 * top),
        )
        if binary:
            legend_above(axes)
        else:
            axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), borderaxespad=0.2)


def _of_replicas(
    curve: Roc, thresholds: NDArray[np.bool_], examples: ScoredExamples, seed: int, n: int
) -> tuple[list[float], NDArray]:
    """The largest improvement in each bootstrap replica (r), and the background efficiency on the grid (r, g)."""
    largest, backgrounds = [], []
    for weight in replicas(len(examples), n, seed, examples.weight):
        counts = curve.counts(weight)
        if has_both(*counts):
            sic = improvement(*counts)[1][thresholds]
            largest.append(np.nanmax(sic) if np.isfinite(sic).any() else np.nan)
            backgrounds.append(background_at(*counts, GRID))
    return largest, np.array(backgrounds)
