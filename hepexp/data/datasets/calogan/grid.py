"""The three layers of a shower on one grid, for models that read images."""

from __future__ import annotations

import numpy as np

from hepexp.data.datasets.calogan.calorimeter import CELLS, FIRST
from hepexp.data.store.ragged import Ragged, offsets_of
from hepexp.data.transforms.transform import Transform

SHAPE = (len(CELLS), max(nx for nx, _ in CELLS), max(ny for _, ny in CELLS))  # 3 x 12 x 96, of 40 x 5 mm
CHANNELS = tuple(f"layer_{layer}" for layer in range(len(CELLS)))


def _pixels() -> list[np.ndarray]:
    """Of each cell, counted through, the positions of the pixels that it covers."""
    position = np.arange(np.prod(SHAPE)).reshape(SHAPE)
    found = []
    for layer, (nx, ny) in enumerate(CELLS):
        wide, high = SHAPE[1] // nx, SHAPE[2] // ny
        blocks = position[layer].reshape(nx, wide, ny, high).transpose(0, 2, 1, 3)
        found += list(blocks.reshape(nx * ny, wide * high))
    return found


class FinestGrid(Transform):
    """Divides the energy of each cell equally among the pixels that it covers, in the grid that all layers fit into.

    A layer is a channel; sums over pixels remain energies in MeV.
    """

    def __init__(self) -> None:
        self._pixels = np.concatenate(_pixels())
        self._n = np.repeat(
            [SHAPE[1] * SHAPE[2] // (nx * ny) for nx, ny in CELLS], np.diff(FIRST)
        )  # pixels of each cell
        self._first = offsets_of(self._n)

    def __call__(self, examples: Ragged) -> Ragged:
        """Columns position (m,) int32 and value (m,) float32, MeV, in ascending order of the position."""
        cell = examples["position"].astype(np.int64)
        n = self._n[cell]
        bounds = offsets_of(n)
        inside = np.arange(bounds[-1]) - np.repeat(bounds[:-1], n)
        position = self._pixels[np.repeat(self._first[cell], n) + inside]
        value = np.repeat(examples["value"] / n.astype(np.float32), n)
        offsets = bounds[examples.offsets]
        order = np.lexsort((position, np.repeat(np.arange(len(examples)), np.diff(offsets))))
        columns = {"position": position[order].astype(np.int32), "value": value[order]}
        return Ragged(examples.label, offsets, columns, examples.extras)
