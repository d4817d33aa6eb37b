"""The published files of CaloGAN: HDF5, a file for each particle, which the name of the file tells.

Files that hepexp writes have an array `label` (N,) besides, and may hold several particles.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import h5py
import numpy as np

from hepexp.atomic import atomic
from hepexp.data.datasets.calogan.calorimeter import CELLS, FIRST
from hepexp.data.datasets.calogan.info import CLASSES, LAYOUT, OVERFLOW, check
from hepexp.data.formats.checked import checked
from hepexp.data.formats.hdf5 import dataset, numbers, opened
from hepexp.data.formats.pixels import Pixels
from hepexp.data.store.images import to_dense
from hepexp.data.store.ragged import Ragged
from hepexp.errors import DataError

SHAPES = {
    "energy": (None, 1),
    **{f"layer_{layer}": (None, *shape) for layer, shape in enumerate(CELLS)},
    "overflow": (None, len(CELLS)),
}
LABEL = "label"
ROWS_AT_ONCE = 2000


def read(path: Path, needs_label: bool = True) -> Iterator[Ragged]:
    """The showers of a file with energy (N, 1) in GeV, layer_0 (N, 3, 96), layer_1 (N, 12, 12), layer_2 (N, 12, 6) and
    overflow (N, 3) in MeV.

    Parameters
    ----------
    needs_label : refuse a file that has no labels and is not called after a particle; otherwise its showers have none.

    Raises
    ------
    DataError : names the file and the key or row, and says what was expected.
    """
    label = next((i for i, name in enumerate(CLASSES) if path.stem.startswith(name)), None)
    with opened(path) as file:
        shapes = SHAPES | ({LABEL: (None,)} if LABEL in file else {})
        if label is None and LABEL not in file and needs_label:
            names = ", ".join(CLASSES)
            raise DataError(f"{path}: expected a name that begins with {names}, which says what the showers are")
        found = {key: dataset(file, path, key, tuple(shapes)) for key in shapes}
        for key, shape in shapes.items():
            numbers(found[key], path, key, shape)
            if len(found[key]) != len(found["energy"]):
                n = len(found["energy"])
                raise DataError(f"{path}: key '{key}' has {len(found[key])} showers but key 'energy' has {n}")
        for first in range(0, len(found["energy"]), ROWS_AT_ONCE):
            rows = {key: array[first : first + ROWS_AT_ONCE] for key, array in found.items()}
            n = len(rows["energy"])
            cells = Pixels(n)
            for layer, start in enumerate(FIRST[:-1]):
                cells.add(rows[f"layer_{layer}"], np.arange(start, FIRST[layer + 1], dtype=np.uint16))
            extras = {"energy": rows["energy"][:, 0]}
            extras |= {name: rows["overflow"][:, layer] for layer, name in enumerate(OVERFLOW)}
            labels = rows.get(LABEL, None if label is None else np.full(n, label))
            yield checked(check, LAYOUT, path, first, labels, *cells.images(0, n), extras)


def write(path: Path, parts: Iterable[Ragged], n: int, longest: int) -> None:
    """Write n showers to such a file, with their labels, from parts in a stream."""
    with atomic(path) as draft, h5py.File(draft, "w") as file:
        arrays = {
            key: file.create_dataset(
                key, (n, *shape[1:]), np.float32, chunks=(min(n, ROWS_AT_ONCE), *shape[1:]), compression="gzip"
            )
            for key, shape in SHAPES.items()
        }
        labels, first = file.create_dataset(LABEL, (n,), np.int8), 0
        for part in parts:
            rows = slice(first, first + len(part))
            cells = to_dense(part, LAYOUT.image_shape).reshape(len(part), -1)
            for layer, shape in enumerate(CELLS):
                values = cells[:, FIRST[layer] : FIRST[layer + 1]]
                arrays[f"layer_{layer}"][rows] = values.reshape(-1, *shape)
            labels[rows] = part.label
            arrays["energy"][rows] = part["energy"][:, None]
            arrays["overflow"][rows] = np.stack([part[name] for name in OVERFLOW], 1)
            first += len(part)
