"""A journal of a sweep whose writer was killed in the middle of a line stays readable."""

from __future__ import annotations

import os

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
