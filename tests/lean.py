"""What costs most of a small training, once for all tests of a process: the tables of MLflow, and pixels.

The tests of the store, in tests/tracking, have MLflow make its tables, and those of figures render them. Elsewhere a
new store is a copy of an empty one, which saves four seconds, and a training draws its figures without rendering them,
which saves two.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path

import pytest

_folders: list[tempfile.TemporaryDirectory] = []  # removed as the process ends


@cache
def empty_store() -> Path:
    """The file of a store without runs."""
    from hepexp.tracking import store

    _folders.append(tempfile.TemporaryDirectory(prefix="hepexp-store-"))
    file = Path(_folders[-1].name) / "mlflow.db"
    store._open(file)
    return file


def be_lean(patch: pytest.MonkeyPatch, store_file: Path | None = None) -> None:
    """Make trainings of this process lean until `patch` is undone; `store_file` is an empty store, if there is one."""
    from matplotlib.figure import Figure

    from hepexp import figures
    from hepexp.learning import results
    from hepexp.tracking import store

    file, open_store, draw = store_file or empty_store(), store._open, results.draw_figures

    def opened(new: Path):
        if not new.exists():
            whole = new.with_name(f"{new.name}.{os.getpid()}")
            shutil.copy(file, whole)
            with suppress(FileExistsError):  # another process was first
                os.link(whole, new)
            whole.unlink()
        return open_store(new)

    def drawn(*args) -> None:
        with pytest.MonkeyPatch.context() as rendering:
            rendering.setattr(figures, "_show_as_written", lambda drawing: None)
            rendering.setattr(Figure, "savefig", lambda self, path, **_: Path(path).write_bytes(b"\x89PNG\r\n\x1a\n"))
            draw(*args)

    patch.setattr(store, "_open", opened)
    patch.setattr(results, "draw_figures", drawn)
