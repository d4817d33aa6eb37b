"""Events in SPANet's HDF5 layout, as its second version writes them, or its first, as the published files are.

References
----------
A. Shmakov et al., arXiv:2106.03898, and the documentation of SPANet.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hepexp.data.datasets.ttbar_assignment.info import LAYOUT, ROLES, check
from hepexp.data.formats.checked import checked
from hepexp.data.formats.hdf5 import dataset, group, numbers, opened
from hepexp.data.store.check import refuse_rows
from hepexp.data.store.ragged import Ragged, offsets_of
from hepexp.errors import DataError

EVENTS_AT_ONCE = 10_000
MOST_JETS = 100
JET = ("pt", "eta", "phi", "mass", "btag")
PRODUCTS = {"q1": "quark", "q2": "quark", "b": "bottom"}


def read(path: Path, needs_label: bool = True) -> Iterator[Ragged]:
    """The checked events of a file, a few thousand at a time.

    Parameters
    ----------
    needs_label : refuse a file without TARGETS; otherwise no jet of its events is known to be of a top.

    Raises
    ------
    DataError : names the file and the key or event, and says what was expected.
    """
    with opened(path) as file:
        if "INPUTS" in file:
            source, mask_key = group(group(file, path, "INPUTS"), path, "Source"), "MASK"
            targets = group(file, path, "TARGETS") if needs_label or "TARGETS" in file else {}
        else:
            source, mask_key, targets = group(file, path, "source"), "mask", file
        names = (mask_key, *JET)
        mask = dataset(source, path, mask_key, names)
        if mask.ndim != 2 or mask.shape[1] > MOST_JETS or mask.dtype.kind not in "bui":
            raise DataError(
                f"{path}: key '{mask_key}' has type {mask.dtype} and shape {mask.shape}; expected true or false, "
                f"(events, jets), with at most {MOST_JETS} jets"
            )
        columns = {name: numbers(dataset(source, path, name, names), path, name, mask.shape) for name in JET}
        places = {}
        for number in (1, 2):
            if needs_label or f"t{number}" in targets:
                top = group(targets, path, f"t{number}")
                for name in PRODUCTS:
                    found = dataset(top, path, name, tuple(PRODUCTS))
                    places[number, name] = numbers(found, path, f"t{number}/{name}", mask.shape[:1])
        for first in range(0, len(mask), EVENTS_AT_ONCE):
            rows = slice(first, first + EVENTS_AT_ONCE)
            real = mask[rows].astype(bool)
            top, role = _parents({what: column[rows] for what, column in places.items()}, real, path, first)
            elements = {name: column[rows][real] for name, column in columns.items()} | {"top": top, "role": role}
            label = np.zeros(len(real), np.int8)
            yield checked(check, LAYOUT, path, first, label, offsets_of(real.sum(1)), elements)


def _parents(
    places: dict[tuple[int, str], NDArray], real: NDArray[np.bool_], path: Path, first: int
) -> tuple[NDArray[np.int8], NDArray[np.int8]]:
    """The top and the role of each real jet (m,), from the place of each decay product among the jets, -1 for none."""
    top, role = np.zeros((2, *real.shape), np.int8)
    for (number, product), place in places.items():
        key = f"t{number}/{product}"
        expected = f"expected a place of a jet, from 0 to {real.shape[1] - 1}, or -1"
        refuse_rows(path, first, ~(place < real.shape[1]), f"has a '{key}' that is no place of a jet; {expected}")
        event = np.flatnonzero(place >= 0)
        at = place[event].astype(np.int64)
        for wrong, what in (
            (~real[event, at], "at a place without a jet"),
            (top[event, at] > 0, "at the jet of another decay product"),
        ):
            bad = np.zeros(len(real), bool)
            bad[event] = wrong
            refuse_rows(path, first, bad, f"has '{key}' {what}; {expected}")
        top[event, at], role[event, at] = number, ROLES.index(PRODUCTS[product])
    return top[real], role[real]
