"""Coverage and size of conformal sets against the coverage that was asked for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hepexp.figures import COLOURS, figure, legend_above


def conformal_coverage(
    path: Path | str,
    levels: Sequence[float],
    coverage: NDArray,
    band: NDArray,
    size: NDArray,
    n_calibration: int,
) -> None:
    """Draw coverage - level with the interval in which it is in 95 % of cases, and the mean size of the sets.

    Parameters
    ----------
    levels : (L,) nominal coverages; coverage, size : (L,) of the test examples; band : (L, 2) of their coverage.
    n_calibration : number of calibration examples.
    """
    nominal = np.asarray(levels)
    with figure(path, 5.0, 5.2, f"conformal sets from {n_calibration:,} validation examples") as drawing:
        upper, lower = drawing.subplots(2, 1, sharex=True)
        upper.axhline(0, color="0.6", linestyle=":", linewidth=1.2)
        upper.fill_between(nominal, *(band - nominal[:, None]).T, color="0.85", label="exact 95 % interval")
        upper.plot(nominal, coverage - nominal, color=COLOURS[0], marker="o", markersize=3, label="test")
        upper.set(ylabel="coverage - nominal")
        legend_above(upper)
        lower.plot(nominal, size, color=COLOURS[0], marker="o", markersize=3)
        lower.set(xlabel="nominal coverage", ylabel="classes in a set, mean")
