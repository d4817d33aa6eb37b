"""`hepexp data inspect`: what is in a file of columns, and a configuration for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from hepexp.atomic import write_text
from hepexp.cli.console import console
from hepexp.cli.output_files import writing
from hepexp.data.expressions.parse import MOST_CHARACTERS, can_be_named
from hepexp.data.formats.refusal import listed
from hepexp.data.tables.config_file import Proposal, shortened
from hepexp.data.tables.description import description, differences, padding
from hepexp.data.tables.guess import guess
from hepexp.data.tables.summary import summarise
from hepexp.data.tables.table import open_table
from hepexp.errors import DataError

MOST_NAMES = 12  # in a line


def inspect_files(
    files: Sequence[Path], tree: str | None, rows: int, write: Path | None, patterns: Sequence[str]
) -> None:
    """Print the columns of the first file, their ranges in all files, and how other files differ.

    Parameters
    ----------
    rows : of each file, that the ranges are taken from.
    write : a configuration to write, FOLDER/dataset/NAME.yaml.
    patterns : by which it names the files.

    Raises
    ------
    DataError : a file is missing, damaged, or has no columns of numbers.
    """
    tables = [open_table(path, tree, "--tree", counts_missing=True) for path in files]
    first = tables[0]
    if not first.columns:
        raise DataError(f"{first.path}: no columns of numbers{_refused(first.contents.refused)}")
    found = summarise(tables, rows)
    guesses = guess(found)
    out = console()
    for table in tables:
        out.print(f"{table.path}: {table.source.kind}, {table.n_rows:,} rows, {len(table.columns):,} columns")
    seen = sum(min(rows, table.n_rows) for table in tables)
    out.print()
    out.print(description(found, guesses))
    out.print()
    notes = padding(found, guesses)
    if hidden := [name for name in first.columns if name not in found]:
        shown = ", ".join(map(shortened, hidden[:3])) + ", ..." * (len(hidden) > 3)
        notes.append(f"not shown, as others are made of them or the other way round: {len(hidden):,} ({shown})")
    if first.contents.refused:
        notes.append(f"not read{_refused(first.contents.refused)}")
    nameable = [name for name in found if can_be_named(name)]
    if others := [name for name in found if name not in nameable]:
        notes.append(
            "cannot be named in a configuration, which takes no ${, backquote or control character, and at most "
            f"{MOST_CHARACTERS:,} characters: {listed(others)}"
        )
    for note in [*notes, *differences(tables)]:
        out.print(note)
    out.print(f"ranges are of {seen:,} rows; units with a question mark and the last column are guesses", style="dim")
    if write is not None:
        named = {name: found[name] for name in nameable}
        proposal = Proposal(patterns, tree, write, named, {name: guesses[name] for name in named})
        with writing(write, "--write"):
            write_text(write, proposal.text())
        trains = "its third line trains on it"
        if proposal.missing:
            out.print(f"{write}: does not train yet; fill in {' and '.join(proposal.missing)}, then {trains}")
        else:
            out.print(f"{write}: to be corrected; {trains}")


def _refused(refused: Mapping[str, str]) -> str:
    said = [f"{shortened(name)} ({why})" for name, why in refused.items()]
    return f": {', '.join(said[:MOST_NAMES])}{' ...' * (len(said) > MOST_NAMES)}" if said else ""
