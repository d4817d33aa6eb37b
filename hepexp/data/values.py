"""The values that a column has in some rows of a file."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Values:
    """One value per example, or one per particle.

    Parameters
    ----------
    values : (n, ...) one per example; with offsets (m,), those of all particles in a row.
    offsets : (n + 1,) where the particles of each example begin, from 0 to m; None for one value per example.
    """

    values: NDArray
    offsets: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.values if self.offsets is None else self.offsets[1:])

    @property
    def bounds(self) -> NDArray[np.int64]:
        """The offsets of a column with one value per particle."""
        assert self.offsets is not None
        return self.offsets

    @property
    def counts(self) -> NDArray[np.int64]:
        """(n,) number of particles in each example."""
        return np.diff(self.bounds)

    def __getitem__(self, rows: slice) -> Values:
        """The same column in consecutive rows."""
        if self.offsets is None:
            return Values(self.values[rows])
        start, stop, _ = rows.indices(len(self))
        offsets = self.offsets[start : stop + 1]
        return Values(self.values[offsets[0] : offsets[-1]], offsets - offsets[0])
