"""What the tables of RESULTS.md have in common: their form, and the command of a row."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from omegaconf import OmegaConf

from hepexp.compare.groups import Group


def markdown(lines: Sequence[Sequence[str]]) -> str:
    """A table whose first line is the header and whose second the rule below it."""
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def command(found: Group) -> str:
    """The command; a multirun for several seeds. Names of runs are omitted, and paths of weights shortened."""
    typed = [str(word) for word in OmegaConf.load(found.records[0].path / "overrides.yaml")]
    kept = [word for word in typed if not word.startswith(("name=", "seed="))]
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
