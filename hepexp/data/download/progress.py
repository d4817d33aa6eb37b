"""Progress bars for long operations on data, with rate and time left."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Protocol

from rich.progress import BarColumn, DownloadColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.progress import TransferSpeedColumn as BytesASecond
from rich.text import Text

from hepexp.console import PlainConsole
from hepexp.spelling import visible


class Report(Protocol):
    """Reports how many more examples are done, and whether a previous run made them."""

    def __call__(self, more: int, from_previous_run: bool = False) -> None: ...


class RateOf(ProgressColumn):
    """Rate of this run in examples per second, not counting what a previous run made."""

    def __init__(self, noun: str) -> None:
        super().__init__()
        self.noun = noun

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(f"   ... {self.noun}s/s" if speed is None else f"{speed:8.1f} {self.noun}s/s")


def _named(text: str) -> TextColumn:
    """A column with this text, in which no character of a file's name means anything to rich or to the terminal."""
    return TextColumn(visible(text).replace("{", "{{").replace("}", "}}"), markup=False)


@contextlib.contextmanager
def examples_progress(what: str, n: int | None, noun: str) -> Iterator[Report]:
    """Bar for n examples; yields a function to report how many more are done, and whether a previous run made them.

    Parameters
    ----------
    what : what is being done, such as "simulating".
    n : total number of examples, None if unknown.
    noun : the word for one example.
    """
    count = TextColumn("{task.completed:,.0f}" + ("/{task.total:,.0f}" if n else ""))
    columns = (_named(what), BarColumn(), count, RateOf(noun), TextColumn("left"), TimeRemainingColumn())
    with contextlib.ExitStack() as stack:
        bar = Progress(*columns, console=_stderr(), speed_estimate_period=120)
        task = bar.add_task("", total=n)

        def report(more: int, from_previous_run: bool = False) -> None:
            if not bar.live.is_started:  # not earlier, so that an operation refused at once prints only its error
                stack.enter_context(bar)
            if from_previous_run:
                bar.reset(task, total=n, completed=more)
            else:
                bar.advance(task, more)

        yield report


@contextlib.contextmanager
def download_progress(name: str) -> Iterator[Callable[[int, int | None], None]]:
    """Bar for one file; yields the function that `fetch` reports to."""
    columns = (BarColumn(), DownloadColumn(), BytesASecond(), TextColumn("left"), TimeRemainingColumn())
    with Progress(_named(name), *columns, console=_stderr()) as bar:
        task = bar.add_task(name, total=None)

        def report(done: int, size: int | None) -> None:
            bar.update(task, completed=done, total=size)

        yield report


def _stderr() -> PlainConsole:
    return PlainConsole(stderr=True)
