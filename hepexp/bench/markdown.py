"""What the tables of RESULTS.md have in common: their form, and the command of a row."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from hepexp.compare.groups import Group
from hepexp.errors import DataError


def markdown(lines: Sequence[Sequence[str]]) -> str:
    """A table whose first line is the header and whose second the rule below it."""
    escaped = ([cell.replace("|", r"\|") for cell in cells] for cells in lines)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in escaped)


def command(found: Group) -> str:
    """The command; a multirun for several seeds. Names of runs are omitted, and paths of weights shortened.

    Raises
    ------
    DataError : overrides.yaml is damaged, or has a word that would end the code in which the command is set.
    """
    folder = found.records[0].folder
    kept = [word for word in folder.overrides if not word.startswith(("name=", "seed="))]
    if strange := [word for word in kept if "`" in word or not word.isprintable()]:
        raise DataError(f"{folder.path / 'overrides.yaml'}: {strange[0]!r} cannot be set in a table")
    words = [_of_no_machine(word.lstrip("+")) for word in kept]
    if len(found.records) > 1:
        words = ["-m", *words, f"seed={','.join(map(str, found.seeds))}"]
    elif found.records[0].seed != 1:
        words.append(f"seed={found.records[0].seed}")
    return f"`hepexp train {shlex.join(words)}`"


def _of_no_machine(word: str) -> str:
    """An override with the end of a path alone: a run and its experiment, or a checkpoint and its run."""
    key, _, value = word.partition("=")
    if not value.startswith("/"):
        return word
    parts = value.strip("/").split("/")
    return f"{key}={'/'.join(parts[-3 if 'checkpoints' in parts[-2:-1] else -2 :])}"
