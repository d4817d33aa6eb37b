"""NumPy's files: .npy, and .npz archives, whose arrays are read as streams. Pickled objects are refused."""

from __future__ import annotations

import contextlib
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import IO

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from hepexp.data.formats.refusal import damage_in
from hepexp.data.tables.source import MOST_ARRAYS, Contents, Stored, refusal_of, rows_for
from hepexp.data.values import Values
from hepexp.errors import DataError

ALONE = "x"  # name of the array of a .npy file


@dataclass(frozen=True)
class Header:
    shape: tuple[int, ...]
    fortran_order: bool
    dtype: np.dtype

    @property
    def n_bytes(self) -> int:
        return prod(self.shape) * self.dtype.itemsize


@dataclass(frozen=True)
class NumpyFile:
    """A .npy or .npz file; the arrays of an archive that have as many rows as most of them are its columns."""

    path: Path
    archive: bool

    @property
    def kind(self) -> str:
        return "NumPy archive (.npz)" if self.archive else "NumPy file (.npy)"

    def contents(self) -> Contents:
        with damage_in(self.path, self.kind):
            found, refused = self._headers()
        lengths = Counter(header.shape[0] for header in found.values())
        n_rows = max(lengths, key=lambda n: (lengths[n], n), default=0)
        stored = {}
        for name, header in found.items():
            if header.shape[0] == n_rows:
                stored[name] = Stored(header.dtype, header.shape[1:])
            else:
                refused[name] = f"{header.shape[0]:,} rows where other arrays have {n_rows:,}"
        return Contents(n_rows, stored, refused)

    def batches(self, names: list[str], rows_at_once: int) -> Iterator[tuple[int, dict[str, Values]]]:
        with damage_in(self.path, self.kind), contextlib.ExitStack() as stack:
            headers, _ = self._headers()
            step = rows_for(self.path, {n: Stored(headers[n].dtype, headers[n].shape[1:]) for n in names}, rows_at_once)
            n_rows = headers[names[0]].shape[0] if names else 0
            streams = {name: stack.enter_context(self._stream(name)) for name in names}
            for stream in streams.values():
                _header(stream)
            for first in range(0, n_rows, step):
                n = min(step, n_rows - first)
                yield first, {name: Values(self._rows(stream, headers[name], n)) for name, stream in streams.items()}
            for stream in streams.values():
                stream.read(1)  # the end, where the checksum of an archive is compared

    def _headers(self) -> tuple[dict[str, Header], dict[str, str]]:
        found: dict[str, Header] = {}
        refused: dict[str, str] = {}
        for name, size in self._members():
            with self._stream(name) as stream:
                header = _header(stream)
                present = size - stream.tell()
            if why := refusal_of(header.dtype):
                refused[name] = why
            elif not header.shape:
                refused[name] = "a single number"
            elif header.n_bytes != present:
                raise DataError(
                    f"{self.path}: array '{name}' has {present:,} bytes but its shape {header.shape} needs "
                    f"{header.n_bytes:,}; download it again"
                )
            elif header.fortran_order and len(header.shape) > 1:
                refused[name] = "an array in Fortran's order; save it with numpy.ascontiguousarray"
            else:
                found[name] = header
        return found, refused

    def _members(self) -> list[tuple[str, int]]:
        if not self.archive:
            return [(ALONE, self.path.stat().st_size)]
        with zipfile.ZipFile(self.path) as archive:
            members = [info for info in archive.infolist() if info.filename.endswith(".npy")]
        if len(members) > MOST_ARRAYS:
            raise DataError(f"{self.path}: {len(members):,} arrays; expected at most {MOST_ARRAYS:,}")
        return [(info.filename.removesuffix(".npy"), info.file_size) for info in members]

    @contextlib.contextmanager
    def _stream(self, name: str) -> Iterator[IO[bytes]]:
        if not self.archive:
            with open(self.path, "rb") as stream:
                yield stream
            return
        with zipfile.ZipFile(self.path) as archive, archive.open(f"{name}.npy") as stream:
            yield stream

    def _rows(self, stream: IO[bytes], header: Header, n: int) -> NDArray:
        wanted = n * prod(header.shape[1:]) * header.dtype.itemsize
        data = stream.read(wanted)
        if len(data) != wanted:
            raise DataError(f"{self.path}: ends before its last row; download it again")
        return np.frombuffer(data, header.dtype).reshape(n, *header.shape[1:])


def _header(stream: IO[bytes]) -> Header:
    version = npy.read_magic(stream)
    read = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}.get(version)
    if read is None:
        raise ValueError(f"version {version} of NumPy's format; expected 1.0 or 2.0")
    return Header(*read(stream))
