"""The ROC curve as usual in the field: background rejection against signal efficiency."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from hepexp.evaluation.bootstrap import central, effective_number, error_of, replicas
from hepexp.evaluation.classifiers.scored_examples import ScoredExamples, Setting
from hepexp.evaluation.roc import SIGNAL_EFFICIENCIES, Roc, area, background_at
from hepexp.evaluation.rounding import with_error
from hepexp.figures import COLOURS, class_name, figure, legend_above

# Signal efficiencies of the points drawn, including the working points.
GRID = np.union1d(np.linspace(0.005, 1.0, 400), SIGNAL_EFFICIENCIES)
MARKS = ("s", "o")  # of the working points
FEWEST = 5  # with fewer background examples above the cut, 1/eB is noise and the curve ends
WIDE = 0.2  # signal efficiencies without a curve, where there is room to say why


def roc(
    path: Path | str,
    scores: np.ndarray,
    label: np.ndarray,
    class_names: tuple[str, ...] = (),
    n_bootstrap: int = 200,
    seed: int = 0,
    of: str = "",
    weight: np.ndarray | None = None,
    setting: Setting | None = None,
) -> None:
    """Draw 1/eB (log) against eS and the AUC in the legend.

    With two classes there is a bootstrap band of one standard deviation, and the working points are marked; with more,
    each class is drawn against the background, or against the rest where there is none, without bands, which would
    hide each other. The curve ends where fewer than five background examples pass, or as many effectively if they have
    weights.

    Parameters
    ----------
    scores : (n, C); label : (n,); as for `classification_metrics`, whose errors these are for the same seed.
    of : what produced the scores, if not the network itself.
    weight : (n,) of the examples, if any; they count in the curve, its band and the area.
    setting : background and working points.
    """
    examples = ScoredExamples(scores, label, weight, setting)
    binary, known = scores.shape[1] == 2, examples.setting
    drawn = known.signals or range(scores.shape[1])
    grid = np.union1d(GRID, known.points(1)) if binary else GRID
    title = f"ROC curve{f' of {of}' if of else ''}"
    with figure(path, *((5.2, 4.7) if binary else (7.4, 4.4)), title) as drawing:
        axes = drawing.subplots()
        top = 5.0
        for c in drawn:
            curve = examples.against_rest(c) if known.background is None else examples.against_background(c)
            band = [
                _areas_and_backgrounds(curve, each, grid) for each in replicas(len(label), n_bootstrap, seed, weight)
            ]
            colour = COLOURS[(c - binary) % len(COLOURS)]
            marks = known.points(1) if binary else ()
            name = class_name(class_names, c)
            top = max(top, _draw(axes, curve, examples.weights, band, grid, name, colour, marks))
        if binary:
            axes.plot(GRID, 1 / GRID, color="0.6", linestyle=":", linewidth=1.2, label="random")
        signal = class_name(class_names, 1) if binary else "the class"
        background = "other classes" if known.background is None else class_name(class_names, known.background)
        axes.set(
            xlabel=f"signal efficiency $\\varepsilon_S$ ({signal})",
            ylabel=f"background rejection $1/\\varepsilon_B$ ({background})",
            yscale="log",
            xlim=(0, 1),
            ylim=(1, 2 * top),
        )
        efficiencies = [np.asarray(line.get_xdata()) for line in axes.get_lines()[: len(drawn)]]
        if all(len(each) < 2 for each in efficiencies):
            text = f"fewer than {FEWEST} background examples\npass at every signal efficiency"
            axes.text(0.5, 0.6, text, ha="center", transform=axes.transAxes, fontsize=9)
        elif binary and (start := float(efficiencies[0][0])) > WIDE:
            text = f"fewer than {FEWEST}\nbackground\nexamples pass"
            axes.text(start / 2, 1.2, text, ha="center", fontsize=7, color="0.4")
        if binary:
            legend_above(axes)
        else:
            axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), borderaxespad=0.2)


def _areas_and_backgrounds(curve: Roc, weight: np.ndarray, grid: np.ndarray) -> tuple[float, np.ndarray]:
    counts = curve.counts(weight)
    return area(*counts), background_at(*counts, grid)


def _draw(
    axes,
    curve: Roc,
    weight: np.ndarray,
    band: list[tuple[float, np.ndarray]],
    grid: np.ndarray,
    name: str,
    colour: str,
    marks: Sequence[float],
) -> float:
    """Draw one curve with marks at some signal efficiencies; return the largest rejection drawn."""
    auc, eb = _areas_and_backgrounds(curve, weight, grid)
    n_background = effective_number(weight[curve.order[~curve.signal]])
    shown = eb * n_background >= FEWEST  # false for NaN, when a class has no example
    n = len(curve.signal)
    text = f"{name}: AUC {with_error(auc if np.isfinite(auc) else None, error_of([a for a, _ in band], n)[0])}"
    axes.plot(grid[shown], 1 / eb[shown], color=colour, label=text)
    if not shown.any():
        return 1.0
    drawn = np.array([replica for _, replica in band]).reshape(-1, len(grid))
    if len(marks) and len(drawn) > 1:
        low, high = np.nanpercentile(drawn[:, shown], (15.87, 84.13), axis=0)  # one standard deviation of a normal
        axes.fill_between(grid[shown], 1 / high, 1 / np.maximum(low, 1e-12), color=colour, alpha=0.25, linewidth=0)
    for k, at in enumerate(marks):
        i = np.searchsorted(grid, at)
        if shown[i]:
            error, _ = error_of([1 / e if e > 0 else np.inf for e in drawn[:, i]], n, central)
            text = f"$1/\\varepsilon_B$ = {with_error(1 / eb[i], error)} at $\\varepsilon_S$ = {at}"
            axes.plot(at, 1 / eb[i], MARKS[k % len(MARKS)], color=colour, markersize=6, label=text)
    return float(np.max(1 / eb[shown]))
