"""Progress bars of long data work, with rate and time left."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.progress import TransferSpeedColumn as BytesASecond
from rich.text import Text


class JetsASecond(ProgressColumn):
    """Rate of a simulation. Jets that an earlier run made do not count."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("   ... jets/s" if speed is None else f"{speed:6.1f} jets/s")


@contextlib.contextmanager
def jets_progress(n: int) -> Iterator[Callable[[int, bool], None]]:
    """Bar for n simulated jets; gives what `generate` reports to."""
    count = TextColumn("{task.completed:,.0f}/{task.total:,.0f}")
    columns = (TextColumn("simulating"), BarColumn(), count, JetsASecond(), TextColumn("left"), TimeRemainingColumn())
    with Progress(*columns, console=_stderr(), speed_estimate_period=120) as bar:
        task = bar.add_task("", total=n)

        def report(jets: int, kept: bool) -> None:
            if kept:
                bar.reset(task, total=n, completed=jets)
            else:
                bar.advance(task, jets)

        yield report


@contextlib.contextmanager
def download_progress(name: str) -> Iterator[Callable[[int, int | None], None]]:
    """Bar for one file; gives what `fetch` reports to."""
    columns = (BarColumn(), DownloadColumn(), BytesASecond(), TextColumn("left"), TimeRemainingColumn())
    with Progress(TextColumn(name), *columns, console=_stderr()) as bar:
        task = bar.add_task(name, total=None)

        def report(done: int, size: int | None) -> None:
            bar.update(task, completed=done, total=size)

        yield report


def _stderr() -> Console:
    return Console(stderr=True, highlight=False)
