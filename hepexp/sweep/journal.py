"""A journal of a sweep whose writer was killed in the middle of a line stays readable."""

from __future__ import annotations

import json
import os
from pathlib import Path

from optuna.storages.journal import JournalFileSymlinkLock

NEWLINE = b"\n"


class WholeLines(JournalFileSymlinkLock):
    """The lock of a journal, which removes what a killed writer left of a line before the next one is appended.

    Optuna takes this lock to append, and only then: else the next line would be glued to the broken one, and the whole
    journal be lost.

    Parameters
    ----------
    path : of the journal.
    """

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path

    def acquire(self) -> bool:
        taken = super().acquire()
        with open(self.path, "ab+") as file:
            end = file.seek(0, os.SEEK_END)
            whole = end
            while whole > 0:
                file.seek(whole - 1)
                if file.read(1) == NEWLINE:
                    break
                whole -= 1
            if whole < end:
                file.truncate(whole)
        return taken


def broken_line(path: Path) -> str | None:
    """Where a journal cannot be read, and why; None if every line is an entry.

    A last line without an end is of a writer that was killed, and left out by every reader.
    """
    with open(path, "rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.endswith(NEWLINE):
                return None
            try:
                whole = isinstance(json.loads(line)["op_code"], int)
            except (ValueError, KeyError, TypeError):
                whole = False
            if not whole:
                return f"line {number} is not an entry of a journal: {line[:40].decode(errors='replace').strip()!r}"
    return None
