"""Tables of RESULTS.md of what `hepexp check` and `hepexp explain` have left in folders."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from hepexp.bench.markdown import command, markdown
from hepexp.check.report import IN_FULL, circuits_table, table
from hepexp.compare.groups import group
from hepexp.compare.record import Record
from hepexp.errors import ConfigError
from hepexp.evaluation.rounding import with_error
from hepexp.text_table import TextTable
from hepexp.tracking import record_file
from hepexp.tracking.run_folder import RunFolder, is_run

ORDERS = {
    "relevance": "most relevant first",
    "pT": "by pT",
    "intensity": "brightest first",
    "random": "at random",
}


def checks_table(folders: Sequence[Path]) -> str:
    """What check.json in each folder says, a block of rows for each run, as `hepexp check` prints it.

    Checks of circuits are a table of their own below.

    Raises
    ------
    ConfigError : a folder without check.json, or some with figures of merit and some without.
    """
    found = [(_command(folder, "check"), _read(folder, "check.json")) for folder in folders]
    tables = [_blocks(found, "checks", lambda its: table(its, ""))]
    tables += [_blocks(found, "circuits", lambda its: circuits_table(its["circuits"]))]
    return "\n\n".join(filter(None, tables))


def _blocks(found: Sequence[tuple[str, dict]], key: str, of: Callable[[dict], TextTable]) -> str:
    """The rows of each record that has something under the key, with its command in the first of them."""
    made = [(words, of(content)) for words, content in found if content.get(key)]
    if not made:
        return ""
    headings = ["command", *(column.heading for column in made[0][1].columns)]
    if any(["command", *(column.heading for column in each.columns)] != headings for _, each in made):
        raise ConfigError("--checks: some of the runs have accuracy and AUC and some have not; give them by themselves")
    lines = [headings, ["---"] * len(headings)]
    for words, each in made:
        lines += [[words if k == 0 else "", *map(str, row)] for k, row in enumerate(each.rows)]
    return markdown(lines)


def explanations_table(folders: Sequence[Path]) -> str:
    """What explain.json in each folder says of the areas below deletion curves, one row for each.

    Raises
    ------
    ConfigError : a folder without explain.json.
    """
    found = [(_command(folder, "explain"), _read(folder, "explain.json")) for folder in folders]
    orders = [name for name in ORDERS if any(f"area_{name}" in its["deletion"] for _, its in found)]
    areas = [f"area_{name}" for name in orders]
    differences = [f"random_minus_{name}" for name in orders if name != "random"]
    header = ["command", "method", "not conserved"]
    header += [f"area, {ORDERS[name]}" for name in orders]
    header += [f"at random - {ORDERS[name]}" for name in orders if name != "random"]
    lines = [header, ["---"] * len(header)]
    for words, its in found:
        lost = "–" if its["method"] == "attention" or its["lost_share"] is None else f"{its['lost_share']:.2g}"
        figures = [
            with_error(its["deletion"].get(key), its["deletion"].get(f"{key}_err")) for key in (*areas, *differences)
        ]
        lines.append([words, its["method"], lost, *figures])
    return markdown(lines)


def _command(folder: Path, verb: str) -> str:
    """The command of the run in this folder or above it, and that of the verb."""
    run = next((each for each in (folder, *folder.parents) if is_run(each)), None)
    if run is None:
        raise ConfigError(f"{folder} is not in the folder of a run")
    words = [f"hepexp {verb} RUN"]
    content = _read(folder, f"{verb}.json")
    if "n" in content:
        words.append(f"--n {content['n']}")
    if 0 < len(checks := content.get("checks", {})) <= IN_FULL:
        words.append(f"--only {','.join(checks)}")
    if "method" in content:
        words.append(f"--method {content['method']}")
    (of_run,) = group([Record(RunFolder(run))])
    return f"{command(of_run)}, `{' '.join(words)}`"


def _read(folder: Path, name: str) -> dict[str, Any]:
    file = folder / name
    if not file.is_file():
        raise ConfigError(f"{folder} has no {name}")
    return record_file.read(file, json.loads, dict)
