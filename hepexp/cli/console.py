"""Where tables are printed, and how: light, without interpreting brackets in texts as colours."""

import sys

from rich.console import Console
from rich.table import Table
from rich.text import Text

PIPE_WIDTH = 1000  # a pipe has no width of its own; rich would assume 80 and break lines


class _Console(Console):
    def on_broken_pipe(self) -> None:
        raise BrokenPipeError  # `| head` is no failure; rich would end the process with exit code 1


def console() -> Console:
    """A console on stdout."""
    return _Console(highlight=False, width=None if sys.stdout.isatty() else PIPE_WIDTH)


def table(rows: list[list[str]], header: list[str] | None = None, styles: list[str] | None = None) -> Table:
    """A table without frame.

    Parameters
    ----------
    rows : texts, one list a row.
    header : names of the columns; none are shown by default.
    styles : rich style of each column.
    """
    made = Table(box=None, show_header=header is not None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for i in range(len(rows[0]) if rows else len(header or [])):
        made.add_column(header[i] if header else "", style=styles[i] if styles else "", no_wrap=i == 0)
    for row in rows:
        made.add_row(*map(Text, row))
    return made
