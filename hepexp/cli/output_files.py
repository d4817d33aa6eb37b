"""Output files of a command: none is replaced unless asked for, and impossible ones are refused before any work."""

from __future__ import annotations

import contextlib
import os
import tempfile
from argparse import ArgumentParser
from collections.abc import Iterable, Iterator
from pathlib import Path

from hepexp.atomic import remove_drafts
from hepexp.errors import ConfigError, HepexpError


def add_overwrite(parser: ArgumentParser) -> None:
    """The flag `--overwrite`."""
    parser.add_argument("--overwrite", action="store_true", help="replace output files that exist")


def check_target(path: Path, option: str, overwrite: bool, inputs: Iterable[Path] = ()) -> None:
    """Refuse a file name to write, before any work is done, and remove what killed writers of that file left there.

    Parameters
    ----------
    path : file to write.
    option : that it was given with, for messages.
    overwrite : whether a file that is there may be replaced.
    inputs : files that are read, which are never replaced, whatever they are called.

    Raises
    ------
    ConfigError : it is an input, not a regular file, there already, or cannot be written.
    """
    for source in inputs:
        if _same(path, source):
            raise ConfigError(f"{option} {path} is {source}, an input file; choose another name")
    if os.path.isdir(path):
        raise ConfigError(f"{option} {path} is a folder; expected the name of a file")
    if os.path.lexists(path):
        if os.path.exists(path) and not os.path.isfile(path):
            raise ConfigError(f"{option} {path} is not a regular file; choose another name")
        if not overwrite:
            raise ConfigError(f"{option} {path} exists; choose another name, or replace it with --overwrite")
    try:
        _try_to_write(path)
    except OSError as error:
        raise ConfigError(f"{option} {path} cannot be written: {error.strerror}; choose another name") from None
    remove_drafts(path)


@contextlib.contextmanager
def writing(path: Path, option: str = "--out") -> Iterator[None]:
    """Report in one line that a disk refused to write a file.

    Raises
    ------
    HepexpError : names the option and the file.
    """
    try:
        yield
    except OSError as error:
        if error.errno is None:
            raise
        raise HepexpError(
            f"{option} {path} cannot be written: {os.strerror(error.errno)}; no file was written"
        ) from None


def check_folder(folder: Path, option: str, overwrite: bool, names: Iterable[str]) -> None:
    """Refuse a folder to write into, before any work is done, where files of these names are there or cannot be made.

    Raises
    ------
    ConfigError : as for `check_target`.
    """
    if os.path.lexists(folder) and not os.path.isdir(folder):
        raise ConfigError(f"{option} {folder} is not a folder; choose another name")
    for name in names:
        if os.path.lexists(folder / name) and not overwrite:
            raise ConfigError(
                f"{option} {folder} already holds {name}; choose another folder, or replace it with --overwrite"
            )
    try:
        _try_to_write(folder / "name")
    except OSError as error:
        raise ConfigError(f"{option} {folder} cannot be written: {error.strerror}; choose another folder") from None


def folder_to_fill(run: Path, out: Path | None, overwrite: bool, names: Iterable[str]) -> Path:
    """Where files about a run go, once it is known that they can: `out`, or the run's own folder, which may be a
    stranger's.

    Parameters
    ----------
    run : folder of the run, absolute; what was written there before is replaced.
    names : of the files that are not to be in another folder yet.

    Raises
    ------
    ConfigError : as for `check_folder`, or a link in the run's folder leads out of it.
    """
    from hepexp.tracking import write_guard

    if out is not None and os.path.realpath(out) != os.path.realpath(run):
        check_folder(out, "--out", overwrite, names)
        return out
    write_guard.refuse_links_out(run)
    check_folder(run, "RUN", True, ())
    return run


def _same(path: Path, source: Path) -> bool:
    try:
        return os.path.samefile(path, source)  # through links of either kind
    except OSError:
        return os.path.realpath(path) == os.path.realpath(source)


def _try_to_write(path: Path) -> None:
    """Make a file with a name as long as the draft's, and remove it; missing folders are not made."""
    folder = path.parent
    while not os.path.lexists(folder) and folder != folder.parent:  # a link that leads nowhere is in the way
        folder = folder.parent
    with tempfile.NamedTemporaryFile(dir=folder, prefix=f".{path.stem}.", suffix=f".part{path.suffix}"):
        pass
