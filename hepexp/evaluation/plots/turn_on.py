"""Turn-on curves of a trigger: the efficiency of a cut on a measured momentum against the true one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hepexp.evaluation.efficiency import wilson_interval
from hepexp.figures import COLOURS, figure, legend_above

_BINS = 28
_FEWEST = 10  # examples in a bin
_STYLES = ("-", "--", ":")


def turn_on(
    path: Path | str, pt: NDArray, passed: Mapping[float, Mapping[str, NDArray[np.bool_]]], weight: NDArray
) -> None:
    """Draw the fraction of muons that pass, with Wilson's interval, in bins of the true pT.

    Parameters
    ----------
    pt, weight : (n,), GeV.
    passed : (n,) by threshold in GeV and method.
    """
    known = np.isfinite(pt)
    low, high = pt[known].min(), pt[known].max()
    edges = np.geomspace(low, max(high, low * 1.01), _BINS + 1)
    place = np.clip(np.searchsorted(edges, pt, side="right") - 1, 0, _BINS - 1)
    count = np.bincount(place[known], minlength=_BINS)
    total = np.bincount(place[known], weight[known], minlength=_BINS)
    squares = np.bincount(place[known], np.square(weight[known], dtype=float), minlength=_BINS)
    shown = (count >= _FEWEST) & (total > 0)
    centre = np.sqrt(edges[:-1] * edges[1:])[shown]
    with figure(path, 5.4, 4.2, "efficiency against the true momentum") as drawing:
        axes = drawing.subplots()
        for k, (threshold, methods) in enumerate(passed.items()):
            colour = COLOURS[k % len(COLOURS)]
            for style, (name, passes) in zip(_STYLES, methods.items(), strict=False):
                inside = np.bincount(place[known], (weight * passes)[known], minlength=_BINS)
                share = inside[shown] / total[shown]
                low_end, high_end = wilson_interval(inside[shown], total[shown], squares[shown])
                axes.plot(centre, share, style, color=colour, label=f"{name}, {threshold:g} GeV")
                axes.fill_between(centre, low_end, high_end, color=colour, alpha=0.2, linewidth=0)
            axes.axvline(threshold, color=colour, linewidth=0.8, alpha=0.5)
        axes.set(xscale="log", xlabel=r"true $p_\mathrm{T}$ [GeV]", ylabel="efficiency", ylim=(0, 1.05))
        legend_above(axes, 2)
