"""Whether a training can be recorded, checked before any of its record is written."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Collection
from pathlib import Path

from hepexp.config.paths import runs_dir
from hepexp.errors import HepexpError
from hepexp.tracking import store
from hepexp.tracking.mlflow_experiment import experiment_id
from hepexp.tracking.stale import reap_stale

RECORD = 4 << 20  # bytes: a small run's folder and its artifacts


def check_recordable(experiment: str, timeout: float) -> None:
    """Refuse a training whose record could not be kept; tidy up after trainings that were killed.

    Parameters
    ----------
    experiment : of the training; it is created in MLflow if necessary.
    timeout : seconds to wait for a store that another process has locked.

    Raises
    ------
    ConfigError : the experiment was deleted in MLflow.
    HepexpError : the runs folder, its store or the folder of artifacts cannot be written, the disk is full, or the
        store stays locked.
    """
    filled: set[int] = set()  # disks
    for folder in (runs_dir().resolve(), store.artifacts() / experiment):
        filled.add(_try_to_write(folder, filled))
    experiment_id(store.connect(timeout), experiment, timeout)
    reap_stale(timeout)


def _try_to_write(folder: Path, filled: Collection[int]) -> int:
    """Write a file where the folder is or will be, and remove it again; return the number of its disk.

    Parameters
    ----------
    filled : disks on which there was room for a record; others get as much as a small run writes.
    """
    present = next(path for path in (folder, *folder.parents) if path.exists())
    try:
        with tempfile.TemporaryFile(dir=present) as file:
            disk = os.fstat(file.fileno()).st_dev
            if disk not in filled:
                file.write(bytes(RECORD))
                file.flush()
                os.fsync(file.fileno())  # only then does a network disk report that it is full
        return disk
    except OSError as error:
        raise HepexpError(
            f"a run cannot be recorded in {folder}: {error.strerror}; free some space, or set $HEPEXP_RUNS_DIR to a "
            "folder that can be written"
        ) from error
