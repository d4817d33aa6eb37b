"""What hepexp may write and delete: only what lies in its own runs folder.

A runs folder may be somebody else's. Its store, its files and its links can name any place on this machine.
"""

from __future__ import annotations

import os
from pathlib import Path

from hepexp.config.paths import runs_dir
from hepexp.errors import ConfigError, HepexpError
from hepexp.tracking.artifacts import local_path
from hepexp.tracking.relocation import ARTIFACTS, is_same


def is_own(path: Path) -> bool:
    """Whether a path lies below runs/ once its links are followed."""
    return _is_below(path, runs_dir())


def refuse_way_out(path: Path) -> None:
    """Refuse a path under runs/ that leads elsewhere, through a link.

    Raises
    ------
    ConfigError : it leaves runs/.
    """
    shown = Path(os.path.abspath(path))
    roots = (Path(os.path.abspath(runs_dir())), runs_dir().resolve())
    if any(root in shown.parents for root in roots) and not is_own(path):
        raise ConfigError(
            f"{path} leads out of {runs_dir()}, to {os.path.realpath(path)}, where nothing is written; replace the "
            "link by a folder, or set $HEPEXP_RUNS_DIR to the folder that is meant"
        )


def refuse_links_out(folder: Path) -> None:
    """Refuse a folder with links in it that lead out of it and out of runs/: what is written to them lands elsewhere.

    Raises
    ------
    ConfigError : there is one.
    """
    for above, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(above, name)
            if path.is_symlink() and not is_own(path) and not _is_below(path, folder):
                raise ConfigError(
                    f"{path} is a link to {os.readlink(path)}, out of {runs_dir()}, where nothing is written; replace "
                    "it by what it points to"
                )


def artifacts(uri: str) -> Path:
    """The folder of a run's artifacts, as a store names it.

    Raises
    ------
    ConfigError : it is not below runs/mlartifacts, or has a link in it that leads out.
    """
    path = artifact_folder(uri)
    refuse_links_out(path)
    return path


def artifact_folder(uri: str) -> Path:
    """The folder of artifacts of a run or an experiment.

    Raises
    ------
    ConfigError : it is not below runs/mlartifacts.
    """
    root = runs_dir().resolve() / ARTIFACTS
    try:
        path = local_path(uri)
        # the same folder, seen under another mount point
        seen = next((above for above in path.parents if _is_seen_as(above, root)), root)
        path = root / path.relative_to(seen) if path.is_relative_to(seen) else path
        is_ours = root == Path(os.path.realpath(root)) and _is_below(path, root)
    except (ValueError, HepexpError):  # no name of a file, or a place that is no folder, such as a bucket
        is_ours = False
    if not is_ours:
        raise ConfigError(
            f"the MLflow store keeps artifacts at {uri}, which is not below {root}, the only place where hepexp writes "
            "them; choose another experiment, or a new runs folder by $HEPEXP_RUNS_DIR"
        )
    return path


def _is_seen_as(path: Path, root: Path) -> bool:
    return path.name == root.name and is_same(path.parent, root.parent)


def _is_below(path: Path, root: Path) -> bool:
    try:
        real, above = Path(os.path.realpath(path)), Path(os.path.realpath(root))
    except ValueError:  # no name of a file
        return False
    return real != above and real.is_relative_to(above)
