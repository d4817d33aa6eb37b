"""Tables of the verbs that describe something: a name, then its description."""

from __future__ import annotations

from collections.abc import Sequence

from hepexp.console import console
from hepexp.text_table import Column, TextTable

__all__ = ["console", "figures", "table"]

WIDE = 36  # columns that the last text gets at least; it stands below its row where there are fewer


def table(
    rows: Sequence[Sequence[str]],
    header: Sequence[str] | None = None,
    styles: Sequence[str] | None = None,
    row_styles: Sequence[str] = (),
) -> TextTable:
    """A table whose first column names the rows, and whose other columns wrap.

    Parameters
    ----------
    rows : texts, one list a row.
    header : names of the columns; none are shown by default.
    styles : rich style of each column.
    row_styles : rich style of each row.
    """
    number = len(rows[0]) if rows else len(header or [])
    columns = [
        Column(
            header[k] if header else "",
            kind="name" if k == 0 else "text",
            style=styles[k] if styles else "",
            least=WIDE if k == number - 1 else 20,
        )
        for k in range(number)
    ]
    return TextTable(columns, rows, row_styles)


def figures(rows: Sequence[Sequence[str]], header: Sequence[str]) -> TextTable:
    """A table of numbers, whose first column names the rows; it is transposed on a narrow terminal."""
    columns = [Column(heading, "figure" if k else "name") for k, heading in enumerate(header)]
    return TextTable(columns, rows, turns=True)
