"""Tables of RESULTS.md of what `hepexp check` and `hepexp explain` have left in folders."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hepexp.bench.markdown import command, markdown
from hepexp.check.report import IN_FULL, circuits_table, table
from hepexp.compare.groups import group
from hepexp.compare.record import Record
from hepexp.errors import ConfigError, DataError
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
    DataError : a check.json that no check has written.
    """
    found = [(folder, _read(folder, "check.json")) for folder in folders]
    tables = [_blocks(found, "checks", lambda its: table(its, ""))]
    tables += [_blocks(found, "circuits", lambda its: circuits_table(its["circuits"]))]
    return "\n\n".join(filter(None, tables))


def _blocks(found: Sequence[tuple[Path, dict]], key: str, of: Callable[[dict], TextTable]) -> str:
    """The rows of each record that has something under the key, with its command in the first of them."""
    made = []
    for folder, content in found:
        if content.get(key):
            with _damage_of(folder / "check.json"):
                table_of_run = of(content)
                rows = [[_plain(str(cell)) for cell in row] for row in table_of_run.rows]
                headings = ["command", *(column.heading for column in table_of_run.columns)]
                made.append((_command(folder, "check", content), headings, rows))
    if not made:
        return ""
    _, headings, _ = made[0]
    if any(each != headings for _, each, _ in made):
        raise ConfigError("--checks: some of the runs have accuracy and AUC and some have not; give them by themselves")
    lines = [headings, ["---"] * len(headings)]
    for words, _, rows in made:
        lines += [[words if k == 0 else "", *row] for k, row in enumerate(rows)]
    return markdown(lines)


def explanations_table(folders: Sequence[Path]) -> str:
    """What explain.json in each folder says of the areas below deletion curves, one row for each.

    Raises
    ------
    ConfigError : a folder without explain.json.
    DataError : one that no explanation has written.
    """
    found = [(folder, _read(folder, "explain.json")) for folder in folders]
    if none := [folder for folder, its in found if not isinstance(its.get("deletion"), dict)]:
        raise DataError(f"{none[0] / 'explain.json'} has no deletion curves")
    orders = [name for name in ORDERS if any(f"area_{name}" in its["deletion"] for _, its in found)]
    areas = [f"area_{name}" for name in orders]
    differences = [f"random_minus_{name}" for name in orders if name != "random"]
    header = ["command", "method", "not conserved"]
    header += [f"area, {ORDERS[name]}" for name in orders]
    header += [f"at random - {ORDERS[name]}" for name in orders if name != "random"]
    lines = [header, ["---"] * len(header)]
    for folder, its in found:
        with _damage_of(folder / "explain.json"):
            deletion, lost = its["deletion"], its["lost_share"]
            share = "–" if its["method"] == "attention" or lost is None else f"{lost:.2g}"
            figures = [with_error(deletion.get(key), deletion.get(f"{key}_err")) for key in (*areas, *differences)]
            lines.append([_command(folder, "explain", its), _plain(its["method"]), share, *figures])
    return markdown(lines)


@contextmanager
def _damage_of(file: Path) -> Iterator[None]:
    """Lines that read a file which may be someone else's: what it lacks or has in another form is one line."""
    try:
        yield
    except (ArithmeticError, AttributeError, LookupError, StopIteration, TypeError, ValueError) as error:
        raise DataError(f"{file} is not what hepexp writes: {type(error).__name__}: {error}") from error


def _plain(text: str) -> str:
    """A text that is the same in Markdown and in HTML."""
    if not text.isprintable() or not {*text}.isdisjoint("<>`"):
        raise ValueError(f"{text[:60]!r} cannot stand in a table")
    return text


def _command(folder: Path, verb: str, content: dict[str, Any]) -> str:
    """The command of the run in this folder or above it, and that of the verb."""
    words = ["hepexp", verb, "RUN"]
    if "n" in content:
        words += ["--n", str(content["n"])]
    if 0 < len(checks := content.get("checks", {})) <= IN_FULL:
        words += ["--only", ",".join(checks)]
    for name, usual in (("method", None), ("split", "test"), ("class", "predicted")):
        if (value := content.get(name, usual)) != usual:
            words += [f"--{name}", str(value)]
    (of_run,) = group([Record(_run_of(folder))])
    return f"{command(of_run)}, `{_plain(shlex.join(words))}`"


def _run_of(folder: Path) -> RunFolder:
    """The run in this folder or above it."""
    run = next((each for each in (folder, *folder.parents) if is_run(each)), None)
    if run is None:
        raise ConfigError(f"{folder} is not in the folder of a run")
    return RunFolder(run)


def _read(folder: Path, name: str) -> dict[str, Any]:
    """The record of this name in the folder of a run or below it."""
    _run_of(folder)
    file = folder / name
    if not file.is_file():
        raise ConfigError(f"{folder} has no {name}")
    return record_file.read(file, json.loads, dict)
