"""Jets of one split as batches of padded tensors."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from hepexp.batch import JetBatch
from hepexp.data.jets import pad
from hepexp.data.particles import ParticleReader
from hepexp.data.store import JetStore

CACHE_PARTICLES = 6_000_000  # four-momenta of as many are kept in memory: 192 MB, or 140,000 jets of qg


class JetDataset(Dataset):
    """Some rows of a store. An index is a list of positions in `rows`, and gives a whole batch.

    Parameters
    ----------
    store : the jets.
    rows : the rows of the store that belong to this split (n,).
    reader : what is read of each particle.
    """

    def __init__(self, store: JetStore, rows: NDArray[np.int64], reader: ParticleReader) -> None:
        self.store = store
        self.rows = np.asarray(rows, np.int64)
        self.reader = reader
        self.counts = store.counts[self.rows]
        # A small split is computed once. Its positions are then its own: jet i of the split is jet i of the cache.
        self._jets = store.take(self.rows) if self.counts.sum() <= CACHE_PARTICLES else None
        self._p4 = reader.momenta(self._jets) if self._jets is not None else None

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, positions: list[int] | NDArray[np.int64]) -> JetBatch:
        """The batch of the jets at these positions, in this order; its index holds their rows in the store."""
        positions = np.asarray(positions, np.int64)
        rows, counts = self.rows[positions], self.counts[positions]
        if self._jets is None:
            jets = self.store.take(rows)
            p4, pdgid = self.reader.momenta(jets), jets.pdgid
        else:
            particles = self._jets.particles_of(positions)
            p4, pdgid = self._p4[particles], self._jets.pdgid[particles]
        return JetBatch(
            p4=torch.from_numpy(pad(p4, counts)),
            scalars=torch.from_numpy(pad(self.reader.features(pdgid), counts)),
            mask=torch.from_numpy(np.arange(counts.max(initial=0)) < counts[:, None]),
            label=torch.from_numpy(self.store.label[rows].astype(np.int64)),
            index=torch.from_numpy(rows),
        )
