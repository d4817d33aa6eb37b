"""The columns of files in words: a table for the terminal, and in what files differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hepexp.data.formats.refusal import listed
from hepexp.data.tables.config_file import number, printable, shortened
from hepexp.data.tables.guess import OF_EDGES, Guess
from hepexp.data.tables.summary import Summary
from hepexp.data.tables.table import Table
from hepexp.text_table import Column, TextTable


def description(found: Mapping[str, Summary], guesses: Mapping[str, Guess]) -> TextTable:
    """A row for each column: its type and shape, what its numbers are, and what it may be."""
    counts = {"NaN": [summary.n_nan for summary in found.values()]}
    counts["missing"] = [summary.n_missing for summary in found.values()]
    counts = {heading: numbers for heading, numbers in counts.items() if any(numbers)}
    columns = [
        Column("column", "name", "bold"),
        Column("type", "figure"),
        Column("shape", "figure", keep=1),
        Column("range", "figure", keep=1),
        *(Column(heading, "figure") for heading in counts),
        Column("unit", "figure"),
        Column("guess"),
    ]
    rows = []
    for row, (name, summary) in enumerate(found.items()):
        column, its = summary.column, guesses[name]
        unit = printable(column.unit) or (f"{its.unit}?" if its.unit else "")
        bounds = f"{number(summary.low)} to {number(summary.high)}" if summary.low == summary.low else "-"
        cells = [shortened(name), str(column.dtype), _shape(summary), bounds]
        rows.append([*cells, *(f"{numbers[row]:,}" for numbers in counts.values()), unit, its.what])
    return TextTable(columns, rows)


def _shape(summary: Summary) -> str:
    column = summary.column
    if column.level == "array":
        return " x ".join(map(str, column.shape))
    if column.level == "example":
        return "number"
    padded = f" of {column.shape[0]}" if column.shape else ""
    return f"list, up to {summary.most}{padded}"


def padding(found: Mapping[str, Summary], guesses: Mapping[str, Guess]) -> list[str]:
    """How padding is recognised, a line for each way."""
    ways: dict[str, list[str]] = {}
    for name, summary in found.items():
        if summary.column.padding:
            of_edges = guesses[name].role in ("edge", "edge_target") or guesses[name].what == OF_EDGES
            way = "edges, and -1 where there is none" if of_edges else f"particles {summary.column.padding}"
            ways.setdefault(way, []).append(name)
    return [f"padded lists: {listed(names)} hold {printable(way)}" for way, names in ways.items()]


def differences(tables: Sequence[Table]) -> list[str]:
    """A line for each file whose columns are not those of the first."""
    first, *others = tables
    lines = []
    for table in others:
        said = []
        if missing := [name for name in _listed(first) if name not in table.columns]:
            said.append(f"lacks {listed(missing)}")
        if more := [name for name in _listed(table) if name not in first.columns]:
            said.append(f"has {listed(more)} besides")
        for name in _listed(first):
            if name in table.columns and (a := _kind(first, name)) != (b := _kind(table, name)):
                said.append(f"has {shortened(name)} as {b} instead of {a}")
        if said:
            lines.append(f"{table.path}: {'; '.join(said[:6])}{' ...' * (len(said) > 6)}, compared with {first.path}")
    return lines


def _listed(table: Table) -> list[str]:
    return [name for name, column in table.columns.items() if column.listed]


def _kind(table: Table, name: str) -> str:
    column = table.columns[name]
    per = {"example": "numbers", "particles": "lists", "array": f"arrays {column.shape}"}[column.level]
    return f"{per} of {column.dtype}"
