"""Read the files of a run's record as data. A record may be someone else's, truncated, or written by hand."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from hepexp import regular_file
from hepexp.errors import DataError
from hepexp.metric import ERROR

SIZES = ("n_train", "n_val", "n_test")  # under its data
MAPPINGS = ("data", "git", "hardware", "needs", "weights", "packages")  # of environment.json


def read(file: Path, parse: Callable[[str], Any], kind: type) -> Any:
    """The value in a file; an empty one where there is no file.

    Raises
    ------
    DataError : it cannot be read, is truncated or damaged, or holds another kind of value.
    """
    regular_file.check(file)
    try:
        value = parse(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return kind()
    except OSError as error:
        raise DataError(f"{file} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        raise DataError(f"{file} is empty, truncated or damaged: {str(error).splitlines()[0]}") from error
    if not isinstance(value, kind):
        raise _unlike(file, kind, value)
    return value


def words(file: Path) -> list[str]:
    """The overrides in a file.

    Raises
    ------
    DataError : as for `read`; or something other than strings.
    """
    found = read(file, yaml.safe_load, list)
    if strange := [word for word in found if not isinstance(word, str)]:
        raise DataError(f"{file} is not what a run writes: expected a list of texts, found {strange[0]!r}")
    return found


def figures(file: Path) -> dict[str, Any]:
    """The metrics in a file.

    Raises
    ------
    DataError : as for `read`; or a name or a value that no run writes.
    """
    return _flat(read(file, json.loads, dict), file)


def rows(file: Path) -> list[dict[str, Any]]:
    """The epochs in a file.

    Raises
    ------
    DataError : as for `figures`.
    """
    return [_flat(row, file) for row in read(file, json.loads, list)]


def environment(file: Path) -> dict[str, Any]:
    """What a run recorded about its environment.

    Raises
    ------
    DataError : as for `read`; or a part that is not a mapping.
    """
    found = read(file, json.loads, dict)
    for key in MAPPINGS:
        if not isinstance(found.get(key) or {}, dict):
            raise DataError(f"{file}: {key} must be keys and values, got {found[key]!r}")
    files = (found.get("data") or {}).get("files") or []
    if not isinstance(files, list) or not all(isinstance(item, dict) for item in files):
        raise DataError(f"{file}: data.files must be a list of files, got {files!r}")
    data, hardware = found.get("data") or {}, found.get("hardware") or {}
    for key in SIZES:
        size = data.get(key)
        if size is not None and (not isinstance(size, int) or not _is_number(size) or size < 0):
            raise DataError(f"{file}: data.{key} must be a number of examples, got {_short(size)}")
    if not isinstance(hardware.get("cpu"), str | None):
        raise DataError(f"{file}: hardware.cpu must be a name, got {_short(hardware['cpu'])}")
    gpus = hardware.get("gpus") or []
    if not isinstance(gpus, list) or not all(
        isinstance(gpu, dict) and isinstance(gpu.get("name"), str) for gpu in gpus
    ):
        raise DataError(f"{file}: hardware.gpus must be a list of names and properties, got {_short(gpus)}")
    return found


def _flat(found: Any, file: Path) -> dict[str, Any]:
    """Figures under names that a terminal and a page can show; the data's, and notes, may be texts."""
    if not isinstance(found, Mapping):
        raise _unlike(file, dict, found)
    for key, value in found.items():
        if not key.isprintable() or not {*key}.isdisjoint("[]<>"):
            raise DataError(f"{file}: {key!r} is not the name of a metric")
        is_text = isinstance(value, str) and value.isprintable() and (key.startswith("data/") or key.endswith("_note"))
        if not is_text and value is not None and not _is_number(value):
            raise DataError(f"{file}: {key} must be a number, got {_short(value)}")
        if key.endswith(ERROR) and value is not None and value < 0:
            raise DataError(f"{file}: {key} must be >= 0, as an error is, got {value!r}")
    return dict(found)


def _is_number(value: Any) -> bool:
    """Whether it is a finite number, not a truth value, and not an integer beyond what a float can hold."""
    try:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:
        return False


def _short(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 10**300:
        return "an integer of more than 300 digits"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:60]}..."


def _unlike(file: Path, kind: type, value: Any) -> DataError:
    expected = "a list" if kind is list else "keys and values"
    return DataError(f"{file} is not what a run writes: expected {expected}, found {type(value).__name__}")
