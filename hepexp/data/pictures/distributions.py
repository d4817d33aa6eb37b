"""Distributions of the quantities that characterise examples, one curve per class."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hepexp.data.pictures.quantities import Quantities
from hepexp.figures import COLOURS, figure

_MOST_BINS = 50
_TAILS = 0.002  # fraction of the examples of all classes beyond each end of the axis
_DECADES = 30.0  # ratio of large to small values above which the axis is logarithmic
_FEW = 4  # largest number of classes for which statistical errors are drawn


def draw_distributions(path: Path, values: dict[str, Quantities], noun: str) -> None:
    """Draw the normalised distribution of each quantity for each class, with statistical errors.

    Parameters
    ----------
    values : for each class, the quantities (n,) by name and unit.
    """
    from matplotlib.ticker import NullFormatter

    quantities = list(next(iter(values.values())))
    columns = min(3, len(quantities)) if len(quantities) != 4 else 2
    lines = -(-len(quantities) // columns)
    with figure(path, 4.1 * columns, 0.7 + 3.0 * lines, f"distributions for each class of {noun}s") as drawing:
        grid = drawing.subplots(lines, columns, squeeze=False)
        for axes in grid.ravel()[len(quantities) :]:
            axes.set_visible(False)
        for axes, quantity in zip(grid.flat, quantities, strict=False):
            bins, logarithmic = binning(np.concatenate([found[quantity] for found in values.values()]))
            for i, found in enumerate(values.values()):
                _curve(axes, found[quantity], bins, i, len(values) <= _FEW)
            axes.set(xlabel=quantity, ylabel=f"fraction of {noun}s / bin", xlim=(bins[0], bins[-1]))
            if logarithmic:
                axes.set_xscale("log")
                axes.xaxis.set_minor_formatter(NullFormatter())
            axes.set_ylim(bottom=0)
            axes.margins(y=0.1)
        handles = grid.flat[0].get_lines()
        for handle, name in zip(handles, values, strict=False):
            handle.set_label(f"{name} ({len(next(iter(values[name].values()))):,})")
        drawing.legend(handles=handles, loc="outside lower center", ncols=min(len(handles), 5))


def binning(values: NDArray[np.floating]) -> tuple[NDArray[np.float64], bool]:
    """Edges of bins that contain nearly all values, and whether the bins are equally wide in the logarithm.

    Bins of integer quantities each cover the same number of integers.
    """
    low, high = np.quantile(values, [_TAILS, 1 - _TAILS])
    n = min(_MOST_BINS, round(2 * (len(values) / 2) ** (1 / 3)))  # Rice's rule, for one of two classes
    if np.array_equal(values, np.round(values)):
        step = max(1, round((high - low + 1) / n))
        return np.arange(np.floor(low) - 0.5, high + step, step), False
    if low > 0 and high > _DECADES * low:
        return np.geomspace(low, high, n + 1), True
    return np.linspace(low, high if high > low else low + 1, n + 1), False


def _curve(axes, values: NDArray[np.floating], bins: NDArray[np.float64], i: int, with_error: bool) -> None:
    counts, _ = np.histogram(values, bins)
    fraction, error = counts / len(values), np.sqrt(counts) / len(values)
    colour, steps = COLOURS[i % len(COLOURS)], np.repeat(bins, 2)[1:-1]
    axes.plot(steps, np.repeat(fraction, 2), color=colour)
    if with_error:
        low, high = (np.repeat(fraction + side * error, 2) for side in (-1, 1))
        axes.fill_between(steps, low, high, color=colour, alpha=0.25, linewidth=0)
