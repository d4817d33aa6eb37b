"""Whether a file is what it was when it was written: checksums of files and of the examples in them.

A file of the store contains a checksum of its values. That covers the values that are read rather than the bytes of the
file, so padding does not matter, and the checksum can be stored in the file itself. Lists are checked before anything
is read from them: Arrow trusts the header of a file, so a damaged one would be read beyond its end, or make Arrow
allocate any amount of memory.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hepexp.data.store.ragged import Layout, Ragged
from hepexp.errors import DataError

if TYPE_CHECKING:
    from hepexp.data.store.arrow_file import Contents

CHECKSUM_KIND = "sha256"


class Digest:
    """The checksum of a sequence of examples, independent of how it is divided into parts.

    Parameters
    ----------
    layout : of the examples.
    metadata : of the file, which the checksum includes.
    """

    def __init__(self, layout: Layout, metadata: bytes) -> None:
        self.layout = layout
        self._head = hashlib.sha256(metadata)
        counts = ("counts", "edges.counts") if layout.edges else ("counts",)
        self._of = {name: hashlib.sha256() for name in (*layout.names, *counts)}
        self._n = 0

    def update(self, part: Ragged) -> None:
        """Add further examples."""
        self._n += len(part)
        columns = {"label": part.label, "counts": part.counts.astype(np.int64), **part.extras, **_flat(part)}
        if part.edges is not None:
            columns["edges.counts"] = part.edges.counts.astype(np.int64)
            columns |= {f"edges.{name}": column for name, column in _flat(part.edges).items()}
        for name, digest in self._of.items():
            digest.update(np.ascontiguousarray(columns[name]).data.cast("B"))

    def hexdigest(self) -> str:
        """The checksum of all examples so far, in hexadecimal."""
        whole = self._head.copy()
        whole.update(str(self._n).encode())
        for name, digest in self._of.items():
            whole.update(f"{name} {digest.hexdigest()}".encode())
        return whole.hexdigest()


def _flat(part: Ragged) -> dict[str, NDArray]:
    """The columns of elements, where these may be a part of a longer one."""
    first, last = int(part.offsets[0]), int(part.offsets[-1])
    return {name: column[first:last] for name, column in part.elements.items()}


def refuse_broken_lists(chunks: Iterable[Ragged], path: Path) -> None:
    """Refuse examples whose offsets point outside the columns of elements or edges.

    Raises
    ------
    DataError : names the file and the first such row.
    """
    first = 0
    for chunk in chunks:
        for what, lists in (("elements", chunk), ("edges", chunk.edges)):
            bad = _is_broken(lists) if lists is not None else np.zeros(0, bool)
            if bad.any():
                row = first + int(np.argmax(bad))
                raise DataError(
                    f"{path}: the {what} of row {row} lie outside the file: corrupted; remove it and make it again"
                )
        first += len(chunk)


def _is_broken(lists: Ragged) -> NDArray[np.bool_]:
    there = min((len(column) for column in lists.elements.values()), default=0)
    starts, ends = lists.offsets[:-1], lists.offsets[1:]
    return (starts < 0) | (ends < starts) | (ends > there)


def refuse_changed(contents: Contents, layout: Layout, path: Path) -> None:
    """Refuse a file whose values have changed since it was written; this reads the whole file.

    Raises
    ------
    DataError : the checksum of the values differs from the recorded one.
    """
    if not contents.is_intact(layout):
        raise DataError(
            f"{path}: corrupted: its values have changed since it was written (the checksum in it differs); remove it "
            "and make it again, or drop its metadata if you changed it yourself"
        )


def checksum(path: Path, kind: str = "sha256") -> str:
    """The checksum of a file in hexadecimal; kind is `sha256` or `md5`."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, kind).hexdigest()


def describe_file(path: Path) -> dict[str, str | int]:
    """Name, size in bytes and sha256 of a file, for the record of a run."""
    return {"name": path.name, "bytes": path.stat().st_size, "sha256": checksum(path)}


def refuse_damaged_sample(path: Path) -> None:
    """Refuse a shipped sample that differs from the one of this version, according to SHA256SUMS in its folder.

    Raises
    ------
    DataError : it is missing, or its checksum differs.
    """
    if not path.is_file():
        raise DataError(f"{path}: no such file, although hepexp ships this sample; reinstall hepexp")
    lines = path.with_name("SHA256SUMS").read_text().splitlines()
    recorded = {name: digest for digest, name in map(str.split, lines)}
    computed, expected = checksum(path), recorded.get(path.name)
    if computed != expected:
        raise DataError(f"{path}: sha256 is {computed}, expected {expected}: corrupted; reinstall hepexp")
