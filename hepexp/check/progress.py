"""The progress of an audit: a bar on a terminal, nothing elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from hepexp.console import PlainConsole


@contextmanager
def progress(total: int) -> Iterator[Callable[[str], None]]:
    """Give what is told before each of so many parts what is done in it."""
    console = PlainConsole(stderr=True)
    columns = (TextColumn("check"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[what]}, left"))
    with Progress(*columns, TimeRemainingColumn(), console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=total, completed=-1, what="examples as they are")
        yield lambda what: bar.update(task, advance=1, what=what)
        bar.update(task, advance=1)
