"""Files that are either complete or absent, whatever interrupts their writing."""

from __future__ import annotations

import errno
import json
import math
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
from omegaconf import OmegaConf

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)  # said of a file that is open, without its name
TEMPORARY = re.compile(r"\..+\.(\d+)\.part(?:\..*)?")  # .<name>.<pid>.part.<ending>
SPOOL = ".arrow"


@contextmanager
def atomic(path: Path | str) -> Iterator[Path]:
    """Give a temporary path beside `path`, which is renamed to `path` if the block succeeds and removed otherwise.

    The bytes are on disk before the name changes: after a power cut or on a full disk the former file is still intact.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # The pid keeps two processes apart; the ending stays, because some writers choose the format by it.
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    try:
        yield temporary
        with open(temporary, "rb") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException as error:
        if isinstance(error, OSError) and _is_of(error, temporary):
            error.filename = str(path)  # the name that means something to the reader of the message
        temporary.unlink(missing_ok=True)
        raise


def _is_of(error: OSError, path: Path) -> bool:
    return error.filename == str(path) or (error.filename is None and error.errno in NO_ROOM)


def remove_left(folder: Path) -> None:
    """Remove the temporary files below a folder whose writers died without cleaning up, e.g. by SIGKILL."""
    for path in folder.glob("**/.*.part*"):
        if (written_by := TEMPORARY.fullmatch(path.name)) and not psutil.pid_exists(int(written_by[1])):
            path.unlink(missing_ok=True)


def remove_drafts(path: Path) -> None:
    """Remove what writers of one file left beside it who died without cleaning up; others may be at work there."""
    for draft in path.parent.glob(".*.part*"):
        if (
            (written_by := TEMPORARY.fullmatch(draft.name))
            and draft.name.removeprefix(f".{path.stem}.{written_by[1]}.part") in (path.suffix, SPOOL)
            and not psutil.pid_exists(int(written_by[1]))
        ):
            draft.unlink(missing_ok=True)


def spool_of(path: Path) -> Path:
    """Where rows of a table wait until all are known, beside the table's file."""
    return path.with_name(f".{path.stem}.{os.getpid()}.part{SPOOL}")


def write_text(path: Path | str, text: str) -> None:
    """Write a text file (UTF-8), either completely or not at all."""
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path | str, value: Any) -> None:
    """Write JSON, either completely or not at all. NaN and infinities become null, as JSON cannot represent them."""
    write_text(path, json.dumps(_plain(value), indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def write_yaml(path: Path | str, value: Any) -> None:
    """Write YAML, either completely or not at all, with every interpolation of an OmegaConf value resolved."""
    write_text(path, OmegaConf.to_yaml(value, resolve=OmegaConf.is_config(value)))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [_plain(item) for item in value]
    if hasattr(value, "tolist"):  # numpy and torch scalars and arrays
        return _plain(value.tolist())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int | str):
        return value
    return str(value)
