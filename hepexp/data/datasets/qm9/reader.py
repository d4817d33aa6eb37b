"""The files of the package qm9pack: CSV, a molecule in each row.

`Elements` are the symbols of its atoms, ['C','H', ...], `XYZ_Ang` their places in Å, [[x,y,z], ...], with powers of ten
as 1.2*^-6.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from hepexp.data.datasets.qm9.info import AXES, ELEMENTS, LAYOUT, check
from hepexp.data.formats.checked import checked
from hepexp.data.formats.refusal import damage_in
from hepexp.data.store.ragged import Ragged, offsets_of
from hepexp.errors import DataError

MOLECULES_AT_ONCE = 2000
COLUMNS = ("Elements", "XYZ_Ang")


def read(path: Path) -> Iterator[Ragged]:
    """The checked molecules of a file, a few thousand at a time.

    Raises
    ------
    DataError : names the file and the molecule, and says what was expected.
    """
    with damage_in(path, "CSV file"), path.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        header = next(rows, [])
        if missing := [name for name in COLUMNS if name not in header]:
            raise DataError(f"{path}: no column {missing[0]!r}; expected those of qm9pack, {' and '.join(COLUMNS)}")
        places = [header.index(name) for name in COLUMNS]
        first, found = 0, list[tuple[list[int], list[float]]]()
        for row, cells in enumerate(rows):
            if len(cells) != len(header):
                raise DataError(f"{path}: molecule {row} has {len(cells)} columns, expected {len(header)}")
            found.append(_atoms(path, row, *(cells[place] for place in places)))
            if len(found) == MOLECULES_AT_ONCE:
                yield _molecules(path, first, found)
                first, found = row + 1, []
        if found:
            yield _molecules(path, first, found)
        elif not first:
            raise DataError(f"{path}: no molecules; expected one in each row")


def _atoms(path: Path, row: int, symbols: str, places: str) -> tuple[list[int], list[float]]:
    """Atomic numbers (n,) and places (3 n,) of a molecule."""
    names = [name for name in re.split(r"[\[\],'\"\s]+", symbols) if name]
    if unknown := next((name for name in names if name not in ELEMENTS), None):
        raise DataError(
            f"{path}: molecule {row} has an atom of an unknown element, {unknown[:20]!a}; expected one of "
            f"{', '.join(ELEMENTS)}"
        )
    texts = [text for text in re.split(r"[\[\],\s]+", places.replace("*^", "e")) if text]
    try:
        numbers = [float(text) for text in texts]
    except ValueError as error:
        raise DataError(f"{path}: molecule {row}, column XYZ_Ang: {str(error)[:60]}; expected numbers in Å") from None
    if len(numbers) != 3 * len(names):
        raise DataError(f"{path}: molecule {row} has {len(numbers)} coordinates, expected {3 * len(names)}")
    return [ELEMENTS[name] for name in names], numbers


def _molecules(path: Path, first: int, found: list[tuple[list[int], list[float]]]) -> Ragged:
    number = np.array([one for numbers, _ in found for one in numbers], np.float64)
    places = np.array([one for _, places in found for one in places]).reshape(-1, 3)
    columns = {"number": number, **dict(zip(AXES, places.T, strict=True))}
    offsets = offsets_of(np.array([len(numbers) for numbers, _ in found]))
    return checked(check, LAYOUT, path, first, np.zeros(len(found), np.int8), offsets, columns)
