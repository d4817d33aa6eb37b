"""EnergyFlow's format, read and written as a stream: npz with X (N, M, 4) = (pt, y, phi, pdgid) and y (N,)."""

from __future__ import annotations

import contextlib
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from hepexp.atomic import atomic
from hepexp.data.datasets.qg.info import LAYOUT, check
from hepexp.data.formats.checked import checked
from hepexp.data.store.ragged import Ragged, offsets_of, pad
from hepexp.errors import DataError

ROWS_AT_ONCE = 5000  # of X: 22 MB in float64 with 139 particles


def read(path: Path, needs_label: bool = True) -> Iterator[Ragged]:
    """The checked jets of a file, a few thousand at a time.

    Parameters
    ----------
    needs_label : refuse a file without y; otherwise its jets have no label.

    Raises
    ------
    DataError : names the file and the key or row, and says what was expected.
    """
    if not path.is_file():
        raise DataError(f"{path}: no such file")
    try:
        with zipfile.ZipFile(path) as archive:
            label = _labels(archive, path) if needs_label or "y.npy" in archive.namelist() else None
            with _member(archive, path, "X") as (file, shape, kind):
                if len(shape) != 3 or shape[2] != 4:
                    raise DataError(f"{path}: key 'X' has shape {shape}, expected (N, M, 4)")
                if label is not None and shape[0] != len(label):
                    raise DataError(f"{path}: key 'X' has {shape[0]} jets but key 'y' has {len(label)}")
                for start in range(0, shape[0], ROWS_AT_ONCE):
                    n = min(ROWS_AT_ONCE, shape[0] - start)
                    x = _numbers(file, n * shape[1] * 4, kind).reshape(n, *shape[1:])
                    yield _jets(x, None if label is None else label[start : start + n], path, start)
                file.read()  # reaching the end makes zipfile compare the checksum
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError) as error:
        raise DataError(f"{path}: truncated or corrupted: {error}; expected an npz file, download it again") from None


def write(path: Path, parts: Iterable[Ragged], n: int, width: int) -> None:
    """Write jets in the published format, without keeping X in memory.

    Parameters
    ----------
    path : file to write; it appears only when it is complete.
    parts : jets, in order, n in total.
    n, width : number of jets and largest multiplicity: N and M of X.
    """
    labels = []
    with atomic(path) as draft, zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        with archive.open("X.npy", "w", force_zip64=True) as file:
            npy.write_array_header_1_0(file, {"descr": "<f8", "fortran_order": False, "shape": (n, width, 4)})
            for jets in parts:
                values = np.stack([jets[name] for name in ("pt", "y", "phi", "pdgid")], axis=1).astype(np.float64)
                x = np.zeros((len(jets), width, 4))
                padded = pad(values, jets.counts)
                x[:, : padded.shape[1]] = padded
                file.write(x.tobytes())
                labels.append(jets.label)
        with archive.open("y.npy", "w") as file:
            npy.write_array(file, np.concatenate(labels).astype(np.float64))


def _labels(archive: zipfile.ZipFile, path: Path) -> NDArray:
    with _member(archive, path, "y") as (file, shape, kind):
        if len(shape) != 1:
            raise DataError(f"{path}: key 'y' has shape {shape}, expected (N,)")
        return _numbers(file, shape[0], kind)


@contextlib.contextmanager
def _member(archive: zipfile.ZipFile, path: Path, key: str) -> Iterator[tuple[IO[bytes], tuple[int, ...], np.dtype]]:
    """Open one array of an npz: its bytes after the header, its shape and its type."""
    if f"{key}.npy" not in archive.namelist():
        found = ", ".join(name.removesuffix(".npy") for name in archive.namelist())
        raise DataError(f"{path}: key '{key}' is missing, found {found or 'nothing'}; expected X and y")
    with archive.open(f"{key}.npy") as file:
        try:
            version = npy.read_magic(file)
            header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
            shape, fortran, kind = header(file)
        except ValueError as error:
            raise DataError(f"{path}: key '{key}' is not an array: {error}") from None
        if any(n < 0 for n in shape):
            raise DataError(f"{path}: key '{key}' has shape {shape}, in which a size is negative: damaged")
        if kind.kind not in "fiu" or (fortran and len(shape) > 1):
            order = " in Fortran order" if fortran else ""
            raise DataError(f"{path}: key '{key}' has type {kind}{order}, expected numbers in C order")
        yield file, shape, kind


def _numbers(file: IO[bytes], n: int, kind: np.dtype) -> NDArray:
    data = file.read(n * kind.itemsize)
    if len(data) != n * kind.itemsize:
        raise EOFError("the file ends in the middle of an array")
    return np.frombuffer(data, kind)


def _jets(x: NDArray, label: NDArray | None, path: Path, start: int) -> Ragged:
    real = (x != 0).any(axis=2)
    columns = dict(zip(LAYOUT.elements, x[real].T, strict=True))
    return checked(check, LAYOUT, path, start, label, offsets_of(real.sum(axis=1)), columns)
