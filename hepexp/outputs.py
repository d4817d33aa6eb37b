"""Standard output and error that never abort the work: what they cannot show is spelled out, or left out."""

from __future__ import annotations

import codecs
import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from hepexp.spelling import SPELLED

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

HANDLER = "hepexp.spell"


class Descriptor(io.FileIO):
    """A file descriptor that accepts everything; what the system refuses (a full disk, a closed pipe) is dropped.

    Attributes
    ----------
    lost : why something was first dropped; None if nothing was.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number, "w", closefd=False)
        self.lost: OSError | None = None

    def write(self, data: ReadableBuffer, /) -> int:
        try:
            return super().write(data)
        except OSError as error:
            self.lost = self.lost or error
            return memoryview(data).nbytes


@contextmanager
def enduring() -> Iterator[dict[str, Descriptor]]:
    """Replace stdout and stderr by streams that never raise, until the block ends.

    Streams that something else has already replaced (a notebook, a test) are left alone.

    Yields
    ------
    The descriptors of `stdout` and `stderr`, where they were replaced.
    """
    _open_closed()
    codecs.register_error(HANDLER, _spell)
    before = sys.stdout, sys.stderr
    raw = {}
    for number, name in ((1, "stdout"), (2, "stderr")):
        stream = getattr(sys, name)
        if stream is getattr(sys, f"__{name}__"):
            raw[name] = Descriptor(number)
            setattr(sys, name, _text(raw[name], stream))
    replaced = [getattr(sys, name) for name in raw]
    try:
        yield raw
    finally:
        for stream in replaced:
            stream.flush()
        sys.stdout, sys.stderr = before


def failure(descriptor: Descriptor | None) -> str | None:
    """Why some output could not be written; None if all of it was, or if the reader (`| head`) had seen enough."""
    lost = descriptor.lost if descriptor else None
    return lost.strerror if lost and lost.errno != errno.EPIPE else None


def _text(raw: Descriptor, stream: io.TextIOWrapper | None) -> io.TextIOWrapper:
    """A text stream on a descriptor, buffered as the one that it replaces."""
    if stream is None:
        return io.TextIOWrapper(io.BufferedWriter(raw), encoding="utf-8", errors=HANDLER)
    stream.flush()
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=stream.encoding,
        errors=HANDLER,
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )


def _open_closed() -> None:
    """Open what was closed (`>&-`): otherwise the next file, such as a database, would become this process's stdout."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            nothing = os.open(os.devnull, os.O_RDWR)
            os.dup2(nothing, number)
            if nothing != number:
                os.close(nothing)
            os.set_inheritable(number, True)


def _spell(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(SPELLED.get(letter, "?") for letter in error.object[error.start : error.end]), error.end
