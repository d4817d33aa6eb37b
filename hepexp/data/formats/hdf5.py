"""Opening of HDF5 files, and checks of the arrays in them before they are read."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np

from hepexp.data.formats.refusal import damage_in, listed, require
from hepexp.errors import DataError

# h5py decompresses whole chunks, one at a time.
_MOST_CHUNK_BYTES = 2**26
_CACHE_BYTES = 2**24  # so that a chunk shared by two consecutive slabs is decompressed once


@contextlib.contextmanager
def opened(path: Path) -> Iterator[h5py.File]:
    """An HDF5 file, opened read-only and without a lock, which read-only shared disks do not grant.

    Raises
    ------
    DataError : the file is missing, or HDF5 finds it damaged while it is open.
    """
    with damage_in(path, "HDF5 file"), h5py.File(path, "r", locking=False, rdcc_nbytes=_CACHE_BYTES) as file:
        yield file


def group(file: h5py.Group, path: Path, key: str) -> h5py.Group:
    """The group with this key, one level down.

    Raises
    ------
    DataError : it is missing, an array, or a link to another file.
    """
    require(path, "key", (key,), file)
    found = file[key] if isinstance(file.get(key, getlink=True), h5py.HardLink) else None
    if not isinstance(found, h5py.Group):
        raise DataError(f"{path}: key '{key}' is no group of arrays stored in this file, as was expected")
    return found


def dataset(file: h5py.Group, path: Path, key: str, expected: tuple[str, ...]) -> h5py.Dataset:
    """The array with this key.

    Parameters
    ----------
    file, path : the open file, and its name for messages.
    key : name of the array.
    expected : all the keys that the file should have.

    Raises
    ------
    DataError : it is missing, is a link to another file, or has chunks that are too large for memory.
    """
    require(path, "key", expected, file)
    if not isinstance(file.get(key, getlink=True), h5py.HardLink):
        raise DataError(f"{path}: key '{key}' is a link; expected an array stored in this file")
    found = file[key]
    if not isinstance(found, h5py.Dataset):
        raise DataError(f"{path}: key '{key}' is a group with {listed(found)}; expected an array")
    if found.external or found.is_virtual:
        raise DataError(f"{path}: key '{key}' has its data in another file; expected an array stored in this file")
    chunk = found.id.get_create_plist().get_chunk() if found.chunks else ()
    size = found.dtype.itemsize
    for length in chunk:
        size *= length
    if size > _MOST_CHUNK_BYTES:
        raise DataError(
            f"{path}: key '{key}' has chunks of {size / 2**20:.0f} MiB; expected at most "
            f"{_MOST_CHUNK_BYTES / 2**20:.0f}: rewrite it with h5repack"
        )
    return found


def numbers(found: h5py.Dataset, path: Path, key: str, shape: tuple[int | None, ...]) -> h5py.Dataset:
    """The same array, after a check that it holds numbers in this shape, where None stands for any length.

    Raises
    ------
    DataError : says which shape or type was found.
    """
    matches = len(found.shape or ()) == len(shape) and all(
        want is None or want == length for want, length in zip(shape, found.shape or (), strict=True)
    )
    if found.shape is None or not matches:
        wanted = ", ".join("N" if length is None else str(length) for length in shape)
        raise DataError(f"{path}: key '{key}' has shape {found.shape}, expected ({wanted}{',' * (len(shape) == 1)})")
    if found.dtype.kind not in "fiu":
        raise DataError(f"{path}: key '{key}' has type {found.dtype}, expected numbers")
    return found


def attribute_bytes(table: h5py.Dataset, attribute: str) -> bytes:
    """The bytes of a string attribute, which are not necessarily text; none if there is no such attribute."""
    if attribute not in table.attrs:
        return b""
    found = h5py.h5a.open(table.id, attribute.encode())
    if found.shape != () or found.dtype.kind not in "SV":
        return b""
    value = np.empty((), found.dtype)
    found.read(value)
    return value.tobytes()
