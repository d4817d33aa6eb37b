"""Jets as ragged columns: one value a jet, or one a particle with the offsets that say whose it is."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

PARTICLE_COLUMNS = {"pt": np.float32, "y": np.float32, "phi": np.float32, "pdgid": np.int32}


@dataclass
class Jets:
    """Some jets, their particles in flat columns.

    Shapes
    ------
    label (n,) int8, 1 quark, 0 gluon; offsets (n + 1,) int64: the particles of jet i are offsets[i] to offsets[i + 1];
    pt (m,) float32, GeV; y (m,) float32, rapidity; phi (m,) float32, radians; pdgid (m,) int32.
    """

    label: NDArray[np.int8]
    offsets: NDArray[np.int64]
    pt: NDArray[np.float32]
    y: NDArray[np.float32]
    phi: NDArray[np.float32]
    pdgid: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.label)

    @property
    def counts(self) -> NDArray[np.int64]:
        """Particles in each jet (n,)."""
        return np.diff(self.offsets)

    def particles_of(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Positions in the flat columns of all particles of the jets at these rows, one jet after the other."""
        counts = self.offsets[rows + 1] - self.offsets[rows]
        ends = np.cumsum(counts)
        return np.repeat(self.offsets[rows] - ends + counts, counts) + np.arange(ends[-1] if len(ends) else 0)

    def take(self, rows: NDArray[np.int64] | slice | list[int]) -> Jets:
        """The jets at these rows, in this order."""
        rows = np.arange(len(self))[rows]
        particles = self.particles_of(rows)
        offsets = np.concatenate([[0], np.cumsum(self.offsets[rows + 1] - self.offsets[rows])])
        return Jets(self.label[rows], offsets, *(getattr(self, name)[particles] for name in PARTICLE_COLUMNS))

    @staticmethod
    def empty() -> Jets:
        """No jets at all."""
        columns = (np.zeros(0, kind) for kind in PARTICLE_COLUMNS.values())
        return Jets(np.zeros(0, np.int8), np.zeros(1, np.int64), *columns)

    @staticmethod
    def concatenate(parts: Iterable[Jets]) -> Jets:
        """All jets of several sets, one after the other."""
        parts = list(parts)
        offsets = np.concatenate([[0], np.cumsum(np.concatenate([part.counts for part in parts]))]).astype(np.int64)
        label = np.concatenate([part.label for part in parts])
        columns = (np.concatenate([getattr(part, name) for part in parts]) for name in PARTICLE_COLUMNS)
        return Jets(label, offsets, *columns)


def pad(values: NDArray, counts: NDArray[np.int64]) -> NDArray:
    """Flat values (m, ...) of jets with these particle counts (n,) as a zero-padded array (n, max count, ...)."""
    padded = np.zeros((len(counts), int(counts.max(initial=0)), *values.shape[1:]), values.dtype)
    padded[np.arange(padded.shape[1]) < counts[:, None]] = values
    return padded
