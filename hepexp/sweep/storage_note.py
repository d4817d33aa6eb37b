"""Where the trials of a sweep are: a note in its folder, so that `--resume NAME` needs only the name."""

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path

from hepexp.atomic import write_json
from hepexp.errors import DataError
from hepexp.sweep.storage import JOURNAL, masked
from hepexp.tracking import record_file
from hepexp.tracking.lookup import sqlite_address

FILE = "storage.json"
KIND, SQLITE, SERVER = "journal", "sqlite", "server"
PLACES = {KIND: "path", SQLITE: "path", SERVER: "address"}  # the key that has the place, by kind


def write_note(url: str, folder: Path) -> None:
    """Note the storage of a sweep in its folder: the path of a file, or the masked address of a server."""
    from sqlalchemy import make_url

    parsed = None if url.startswith(JOURNAL) else make_url(url)
    if parsed is None:
        found = {"kind": KIND, "path": _path(Path(url.removeprefix(JOURNAL)), folder)}
    elif parsed.get_backend_name() == SQLITE:
        found = {"kind": SQLITE, "path": _path(Path(parsed.database or ""), folder)}
    else:
        found = {"kind": SERVER, "address": masked(url)}
    write_json(folder / FILE, found)


def address_in(folder: Path) -> str | None:
    """The address of the file that has the trials of a sweep; None if it is unknown or no longer there.

    Raises
    ------
    DataError : the note is damaged.
    """
    found = _read(folder)
    if "path" not in found:
        return None
    path = (folder.resolve() / found["path"]).resolve()
    if not path.is_file():
        return None
    return f"{JOURNAL}{path}" if found["kind"] == KIND else sqlite_address(path)


def holds(url: str, name: str) -> bool:
    """Whether a file has a sweep of this name. It is only read: the folder that names it may be somebody else's."""
    if url.startswith(JOURNAL):
        with open(url.removeprefix(JOURNAL), encoding="utf-8", errors="replace") as lines:
            return any(_begins(line, name) for line in lines)
    from sqlalchemy import make_url

    database = make_url(url).database
    assert database is not None, "the address of a file"
    try:
        with closing(sqlite3.connect(f"{Path(database).as_uri()}?mode=ro", uri=True)) as connection:
            return connection.execute("SELECT 1 FROM studies WHERE study_name = ?", (name,)).fetchone() is not None
    except sqlite3.Error:  # another kind of file
        return False


def _begins(line: str, name: str) -> bool:
    """Whether this entry of a journal makes the study of a sweep."""
    try:
        entry = json.loads(line)
    except ValueError:
        return False
    return isinstance(entry, dict) and entry.get("op_code") == 0 and entry.get("study_name") == name


def server(folder: Path) -> str | None:
    """The masked address of the server that has the trials of a sweep; None if no server has them."""
    return _read(folder).get("address")


def _read(folder: Path) -> dict[str, str]:
    """What is noted; nothing where there is no file.

    Raises
    ------
    DataError : the file is damaged, or holds something else.
    """
    file = folder / FILE
    advice = "remove it, and give sweep.storage=... if the sweep is not in sweeps.db of the runs folder"
    try:
        found = record_file.read(file, json.loads, dict)
    except DataError as error:
        raise DataError(f"{error}; {advice}") from error
    texts = all(isinstance(value, str) and value.isprintable() for value in found.values())
    if found and not (texts and PLACES.get(found.get("kind")) in found):
        raise DataError(f"{file} does not say where the trials of a sweep are; {advice}")
    return found


def _path(file: Path, folder: Path) -> str:
    """Relative to the folder of the sweep if the file is under runs/, which may be moved, else absolute."""
    runs, file = folder.resolve().parent.parent, file.resolve()
    return os.path.relpath(file, folder.resolve()) if file.is_relative_to(runs) else str(file)
