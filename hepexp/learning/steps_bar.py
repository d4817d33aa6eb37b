"""A bar of further trainings after that of a run, on a terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from hepexp.console import PlainConsole
from hepexp.learning.components import Components


@contextmanager
def steps_bar(components: Components, text: str, unit: str) -> Iterator[Callable[[str, int], None]]:
    """Yields what is called after each step, with what is trained and the number of steps of all trainings.

    Parameters
    ----------
    text : of the bar; `{task.description}` stands for what is trained.
    unit : of what is counted, such as steps.
    """
    console = PlainConsole(stderr=True)
    shown = components.trainer.progress and console.is_terminal
    bar = Progress(
        TextColumn(text),
        BarColumn(),
        TextColumn("{task.completed:,.0f}/{task.total:,.0f}  {task.fields[rate]} " + unit + "/s  left"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not shown,
    )
    task = bar.add_task("", total=1, rate="...")

    def done(what: str, total: int) -> None:
        speed = bar.tasks[0].speed
        bar.update(task, advance=1, total=total, description=what, rate="..." if speed is None else f"{speed:,.1f}")

    with bar:
        yield done
