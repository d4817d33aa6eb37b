"""The files of the CaloChallenge: HDF5 with incident_energies (N, 1) and showers (N, voxels), both in MeV."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from hepexp.data.datasets.calo_challenge.info import CHALLENGES, info
from hepexp.data.formats.checked import checked
from hepexp.data.formats.hdf5 import dataset, numbers, opened
from hepexp.data.formats.pixels import Pixels
from hepexp.data.store.ragged import Ragged
from hepexp.errors import DataError

KEYS = ("incident_energies", "showers")
_DENSE_BYTES = 2**25  # read from the file at once
_GEV = 1000.0  # MeV per GeV


def read(part: str, path: Path, needs_label: bool = True) -> Iterator[Ragged]:
    """The showers of a file of one of the data sets, in a stream; voxels are in the order of the binning.

    Raises
    ------
    DataError : names the file and the key or row, and says what was expected.
    """
    found, n_voxels = info(part), CHALLENGES[part].n_voxels
    with opened(path) as file:
        energies, showers = (dataset(file, path, key, KEYS) for key in KEYS)
        numbers(energies, path, KEYS[0], (None, 1))
        try:
            numbers(showers, path, KEYS[1], (None, n_voxels))
        except DataError as error:
            sizes = {name: one.n_voxels for name, one in CHALLENGES.items() if name != part}
            others = [name for name, size in sizes.items() if showers.shape[1:] == (size,)]
            hint = f"; that is data.part={others[0]}" if others else ""
            raise DataError(f"{error}{hint}") from None
        if len(energies) != len(showers):
            raise DataError(
                f"{path}: key 'showers' has {len(showers)} showers but key 'incident_energies' has {len(energies)}"
            )
        positions = np.arange(n_voxels, dtype=np.uint16)
        at_once = max(1, _DENSE_BYTES // (n_voxels * showers.dtype.itemsize))
        for first in range(0, len(showers), at_once):
            dense = showers[first : first + at_once]
            voxels = Pixels(len(dense))
            voxels.add(dense, positions)
            extras = {"energy": energies[first : first + at_once, 0] / _GEV}
            columns = voxels.images(0, len(dense))
            label = np.zeros(len(dense), np.int8) if needs_label else None
            yield checked(found.check, found.layout, path, first, label, *columns, extras)


# a reader takes a path alone
read_photons_1, read_pions_1, read_electrons_2, read_electrons_3 = (partial(read, part) for part in CHALLENGES)
