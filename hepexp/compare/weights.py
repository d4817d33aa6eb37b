"""Weights that runs began with, in the names of the rows of a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hepexp.config.new_head import KEY as HEAD
from hepexp.config.new_head import WEIGHTS


def with_short_weights(settings: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Settings with runs, or names of files, in place of the paths of weights, as long as these tell them apart.

    Of a run it is the name without the time, where that is enough. A head that is new wherever there are weights goes
    without saying.
    """
    found = [dict(own) for own in settings]
    for key in {key for own in found for key in own if key.rpartition(".")[2] == WEIGHTS}:
        files = {own[key] for own in found if isinstance(own.get(key), str)}
        shorter = next((names for names in _shorter(files) if len(set(names.values())) == len(files)), {})
        for own in found:
            file = own.get(key)
            own[key] = shorter.get(file, file) if isinstance(file, str) else file
        head = f"{key.rpartition('.')[0]}.{HEAD}"
        if len({own.get(head) for own in found if own[key] is not None}) == 1:
            for own in found:
                own.pop(head, None)
    return found


def _shorter(files: set[str]) -> list[dict[str, str]]:
    """Names of files, the shortest first: the name of the run or the file, then the folder of the run."""
    return [{file: _name(file, timed) for file in files} for timed in (False, True)]


def _name(file: str, timed: bool) -> str:
    path = Path(file)
    if path.parent.name != "checkpoints":
        return file if timed else path.name
    folder = path.parent.parent.name  # <yyyy-mm-dd_HH-MM-SS>_<name>
    return folder if timed else folder.split("_", 2)[-1]
