"""Separation power: how well a single quantity tells generated from true examples."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hepexp.evaluation.generation.comparison import Comparison
from hepexp.evaluation.generation.histogram import bins


class Separation(Comparison):
    """S = 1/2 sum over bins of (h - h')^2 / (h + h') of two histograms of unit sum, 0 if they agree, 1 if disjoint.

    The bins are those of the figures, and one more on each side for what is beyond them. With n examples of each in N
    bins, equal distributions have about N / 2n.

    Parameters
    ----------
    true, made, of_true, of_made : see Comparison.

    References
    ----------
    S. Diefenbacher et al., arXiv:2009.03796, equation 10; C. Krause et al., arXiv:2410.21611.
    """

    def __init__(
        self, true: NDArray, made: NDArray, of_true: NDArray | None = None, of_made: NDArray | None = None
    ) -> None:
        super().__init__(true, made, of_true, of_made)
        self.places = [_places(true[:, k], made[:, k]) for k in range(true.shape[1])]

    def of_each(self, n_true: NDArray | None = None, n_made: NDArray | None = None) -> NDArray[np.float64]:
        found = []
        for n_bins, true, made in self.places:
            h, other = (
                np.bincount(place, counts, minlength=n_bins) / (len(place) if counts is None else counts.sum())
                for place, counts in ((true, n_true), (made, n_made))
            )
            there = h + other > 0
            found.append(0.5 * float(((h - other)[there] ** 2 / (h + other)[there]).sum()))
        return np.array(found)


def _places(true: NDArray, made: NDArray) -> tuple[int, NDArray, NDArray]:
    """Number of bins, and the bin of each value."""
    edges, _ = bins(true)
    return len(edges) + 1, np.searchsorted(edges, true, "right"), np.searchsorted(edges, made, "right")
