"""A checksum of the values of examples, stored in their file, by which any change of a value is detected.

It covers the values that are read rather than the bytes of the file, so padding does not matter, and the checksum can
be stored in the file itself.
"""

from __future__ import annotations

import hashlib

import numpy as np

from hepexp.data.store.ragged import Layout, Ragged

KIND = "sha256"


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
        self._of = {name: hashlib.sha256() for name in (*layout.names, "counts")}
        self._n = 0

    def update(self, part: Ragged) -> None:
        """Add further examples."""
        self._n += len(part)
        first, last = int(part.offsets[0]), int(part.offsets[-1])
        columns = {"label": part.label, "counts": part.counts.astype(np.int64), **part.extras}
        columns |= {name: column[first:last] for name, column in part.elements.items()}
        for name, digest in self._of.items():
            digest.update(memoryview(np.ascontiguousarray(columns[name])).cast("B"))

    def hexdigest(self) -> str:
        """The checksum of all examples so far, in hexadecimal."""
        whole = self._head.copy()
        whole.update(str(self._n).encode())
        for name, digest in self._of.items():
            whole.update(f"{name} {digest.hexdigest()}".encode())
        return whole.hexdigest()
