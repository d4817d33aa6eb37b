"""The files of a run folder as artifacts of its MLflow run."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from urllib.parse import urlparse
from urllib.request import url2pathname

from hepexp import atomic
from hepexp.errors import HepexpError


def copy_folder(folder: Path, artifacts: Path) -> None:
    """Copy all files of a run folder, replacing earlier copies.

    Of the checkpoints only best.ckpt is included, as a hard link where the file system has them: last.ckpt is for
    `--resume`, which reads the run folder.
    """
    for source in sorted(folder.rglob("*")):
        part = source.relative_to(folder)
        if not source.is_file() or any(name.startswith(".") for name in part.parts):
            continue  # names that begin with a dot are files that are being written
        target = artifacts / part
        if part.parts[0] == "checkpoints":
            if source.name == "best.ckpt":
                _link(source, target)
        else:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)


def remove_unfinished(folder: Path, artifacts: Path) -> None:
    """Remove what writers that died left unfinished: files and folders with temporary names.

    Parameters
    ----------
    folder : of the run; files of live processes, e.g. a `hepexp evaluate` of this run, stay.
    artifacts : of the run, which no process is writing to.
    """
    atomic.remove_left(folder)
    for above, folders, files in os.walk(artifacts):
        for name in filter(atomic.TEMPORARY.fullmatch, [*folders, *files]):
            path = Path(above, name)
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        folders[:] = [name for name in folders if not atomic.TEMPORARY.fullmatch(name)]


def local_path(artifact_uri: str) -> Path:
    """The folder of an artifact URI as MLflow stores it: a path or file:///..."""
    if artifact_uri.startswith("/"):
        return Path(artifact_uri)
    parsed = urlparse(artifact_uri)
    if parsed.scheme not in ("", "file"):
        raise HepexpError(f"the MLflow run keeps its artifacts at {artifact_uri}; only local folders are supported")
    return Path(url2pathname(parsed.path))


def _link(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)  # checkpoints are replaced, never changed in place, so the link stays good
    except OSError:
        shutil.copyfile(source, target)
