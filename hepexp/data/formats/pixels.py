"""Conversion of dense images to non-zero pixels, in pieces, as an image can extend over several chunks of a file."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from hepexp.data.store.ragged import offsets_of


@dataclass
class Pixels:
    """The non-zero pixels of n images, collected from one or several pieces of each.

    Parameters
    ----------
    n : number of images.

    Attributes
    ----------
    pieces : for each piece, the bounds (n + 1,) int64 of the images' pixels, their positions (m,) uint16 and their
        values (m,) float32: 6 bytes per pixel, so that thousands of incomplete images fit into memory.
    """

    n: int
    pieces: list[tuple[NDArray[np.int64], NDArray[np.uint16], NDArray[np.float32]]] = field(default_factory=list)

    def __len__(self) -> int:
        return sum(len(position) for _, position, _ in self.pieces)

    def add(self, dense: NDArray, positions: NDArray[np.uint16]) -> None:
        """Add a piece of every image.

        Parameters
        ----------
        dense : (n, ...) numbers.
        positions : (...) position of each number in the image.
        """
        with np.errstate(over="ignore"):  # infinity is refused when the images are checked
            flat = np.ascontiguousarray(dense, np.float32).reshape(-1)
        found = np.flatnonzero(flat != 0)  # on booleans, this is several times faster than on numbers
        bounds = np.searchsorted(found, np.arange(self.n + 1) * positions.size)
        self.pieces.append((bounds, positions.reshape(-1)[found % positions.size], flat[found]))

    def images(self, start: int, stop: int) -> tuple[NDArray[np.int64], dict[str, NDArray]]:
        """Offsets (stop - start + 1,) and columns of images start to stop, with pixels in order of position."""
        parts = [(b[start : stop + 1], p[b[start] : b[stop]], v[b[start] : b[stop]]) for b, p, v in self.pieces]
        counts = np.stack([np.diff(bounds) for bounds, _, _ in parts])
        image = np.concatenate([np.repeat(np.arange(stop - start), of_piece) for of_piece in counts])
        position = np.concatenate([position for _, position, _ in parts])
        value = np.concatenate([value for _, _, value in parts])
        key = image << 16 | position
        if (key[1:] < key[:-1]).any():
            order = np.argsort(key)
            position, value = position[order], value[order]
        return offsets_of(counts.sum(0)), {"position": position, "value": value}
