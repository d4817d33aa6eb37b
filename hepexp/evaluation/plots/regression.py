"""Figures of a regression: predictions, residuals, response and pulls against the truth."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hepexp.evaluation.bootstrap import TAIL
from hepexp.evaluation.quantiles import Quantiles, reach
from hepexp.figures import COLOURS, figure, legend_above

_BINS = 50
_SLICES = 10  # of the truth, each with as many examples


def prediction_against_truth(
    path: Path | str,
    truth: NDArray,
    predicted: NDArray,
    name: str,
    unit: str = "",
    weight: NDArray | None = None,
) -> None:
    """Draw a histogram of prediction and truth (n,) of one target."""
    low, high = reach(
        np.concatenate([truth, predicted]), (0.002, 0.998), None if weight is None else np.tile(weight, 2)
    )
    edges = np.linspace(low, high, _BINS + 1)
    with figure(path, 5.2, 4.2, f"prediction against truth of {name}") as drawing:
        axes = drawing.subplots()
        counts, _, _ = np.histogram2d(truth, predicted, bins=(edges, edges), weights=weight)
        shown = axes.pcolormesh(edges, edges, np.ma.masked_equal(counts.T, 0), cmap="viridis", rasterized=True)
        axes.plot([low, high], [low, high], color=COLOURS[1], linewidth=1, linestyle="--")
        axes.set(xlabel=f"true {_with(name, unit)}", ylabel=f"predicted {_with(name, unit)}")
        axes.set(xlim=(low, high), ylim=(low, high))
        drawing.colorbar(shown, ax=axes, label="examples" if weight is None else "sum of weights", pad=0.01)


def residuals(
    path: Path | str,
    truth: NDArray,
    predicted: Mapping[str, NDArray],
    name: str,
    unit: str = "",
    weight: NDArray | None = None,
) -> None:
    """Draw the distribution of prediction - truth.

    Parameters
    ----------
    predicted : predictions (n,) of one target, by what gives them.
    """
    found = {text: values - truth for text, values in predicted.items()}
    first = next(iter(found.values()))
    furthest = max(float(reach(abs(first), 0.98, weight)), float(np.finfo(np.float32).tiny))
    with figure(path, 5.0, 4.2, f"residuals of {name}") as drawing:
        _distributions(drawing.subplots(), found, (-furthest, furthest), weight)
        drawing.axes[0].set(xlabel=f"predicted - true {_with(name, unit)}")


def response_against_truth(
    path: Path | str,
    truth: NDArray,
    predicted: Mapping[str, NDArray],
    name: str,
    unit: str = "",
    weight: NDArray | None = None,
) -> None:
    """Draw the median of prediction / truth and its central 68 % in slices of the truth of equal weight."""
    known = truth != 0
    weight = None if weight is None else weight[known]
    ratios = {text: values[known] / truth[known] for text, values in predicted.items()}
    with figure(path, 5.0, 4.2, f"response of {name}, median and central 68 %") as drawing:
        axes = drawing.subplots()
        _in_slices(axes, truth[known], ratios, 1, weight)
        axes.set(xlabel=f"true {_with(name, unit)}", ylabel="predicted / true")
        legend_above(axes, 2)


def residuals_against_truth(
    path: Path | str,
    truth: NDArray,
    predicted: Mapping[str, NDArray],
    name: str,
    unit: str = "",
    weight: NDArray | None = None,
) -> None:
    """Draw the median of prediction - truth and its central 68 % in slices of the truth of equal weight."""
    found = {text: values - truth for text, values in predicted.items()}
    with figure(path, 5.0, 4.2, f"residuals of {name}, median and central 68 %") as drawing:
        axes = drawing.subplots()
        _in_slices(axes, truth, found, 0, weight)
        axes.set(xlabel=f"true {_with(name, unit)}", ylabel=f"predicted - true {_with(name, unit)}")
        legend_above(axes, 2)


def _in_slices(axes, truth: NDArray, found: Mapping[str, NDArray], perfect: float, weight: NDArray | None) -> None:
    """Median and central 68 % of values (n,) in slices of the truth, and a line where they should be."""
    weight = np.ones(len(truth)) if weight is None else weight
    edges = np.unique(reach(truth, np.linspace(0, 1, _SLICES + 1), weight)) if len(truth) else np.zeros(0)
    for k, (text, values) in enumerate(found.items()):
        rows = []
        for low, high in pairwise(edges):
            chosen = (truth >= low) & ((truth < high) | (high == edges[-1]))
            spread = Quantiles(values[chosen])(weight[chosen], (TAIL, 0.5, 1 - TAIL))
            rows.append((reach(truth[chosen], 0.5, weight[chosen]), *spread))
        if rows:
            place, low, middle, high = np.array(rows).T
            axes.fill_between(place, low, high, color=COLOURS[k], alpha=0.2, linewidth=0)
            axes.plot(place, middle, "o-", color=COLOURS[k], markersize=3, label=text)
    axes.axhline(perfect, color="0.4", linestyle="--", linewidth=1)


def pull(path: Path | str, values: NDArray, name: str, weight: NDArray | None = None) -> None:
    """Draw the distribution of (prediction - truth) / sigma (n,) beside the normal one."""
    with figure(path, 5.0, 4.2, f"pull of {name}") as drawing:
        axes = drawing.subplots()
        _distributions(axes, {"pull": values}, (-5, 5), weight)
        x = np.linspace(-5, 5, 201)
        normal = np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)
        axes.plot(x, normal, color="0.3", linestyle="--", linewidth=1, label="normal")
        axes.set(xlabel="(predicted - true) / sigma")
        legend_above(axes, 2)


def _distributions(axes, found: Mapping[str, NDArray], span: tuple[float, float], weight: NDArray | None) -> None:
    edges = np.linspace(*span, _BINS + 1)
    for k, (text, values) in enumerate(found.items()):
        content, _ = np.histogram(values, bins=edges, weights=weight)
        total = len(values) if weight is None else weight.sum()
        content = content / (total if total > 0 else 1) / np.diff(edges)
        axes.stairs(content, edges, color=COLOURS[k], linewidth=1.6, label=text)
    axes.set(ylabel="density", xlim=span)
    legend_above(axes, 2)


def _with(name: str, unit: str) -> str:
    return f"{name} [{unit}]" if unit else name
