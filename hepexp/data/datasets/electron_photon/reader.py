"""The published files of electrons and photons: HDF5."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from hepexp.data.datasets.electron_photon.info import CLASSES, LAYOUT
from hepexp.data.formats import image_hdf5
from hepexp.data.store.ragged import Ragged


def read(path: Path, needs_label: bool = True) -> Iterator[Ragged]:
    """The crops of a file with X (N, 32, 32, 2), energy and time, or X (N, 32, 32, 1), energy only; y (N,).

    If there is no time channel, all times are zero.

    Parameters
    ----------
    needs_label : refuse a file without y; otherwise its crops have no label.

    Raises
    ------
    DataError : names the file and the key or row, and says what was expected.
    """
    return image_hdf5.read(path, "X", LAYOUT, (2, 1), CLASSES, needs_label)
