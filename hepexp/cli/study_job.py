"""What each Hydra job of a study does: train or resume one run, and say where the study stands."""

from __future__ import annotations

import os
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from omegaconf import DictConfig


@dataclass(frozen=True)
class StudyJob:
    """The task of every Hydra job of a study, in whichever process the launcher runs it.

    Parameters
    ----------
    numbers : of the jobs in the folder of the study.
    names : what each is, in words.
    resumed : the run of each job, by its place in these lists, that was interrupted.
    quiet : whether what a run prints goes to a file, as several run at a time.
    begun : when the jobs were launched, in seconds.
    """

    numbers: Sequence[int]
    names: Sequence[str]
    resumed: Mapping[int, str]
    quiet: bool
    begun: float

    def __call__(self, config: DictConfig) -> None:
        from hydra.core.hydra_config import HydraConfig

        from hepexp.cli import hydra_app, multirun
        from hepexp.outputs import enduring

        hydra = HydraConfig.get()
        folder, place, words = Path(hydra.sweep.dir), hydra.job.num, list(hydra.overrides.task)
        number, run = self.numbers[place], self.resumed.get(place, "")
        self._say(f"{place + 1} of {len(self.numbers)}: {self.names[place]}{', resumed' if run else ''}")
        with enduring(), _to_file(folder / f"job_{number}.log" if self.quiet else None):
            done = multirun.attempt(
                folder, number, words,
                lambda started: _resume(run) if run else hydra_app.train_job(config, started), run,
            )  # fmt: skip
        self._say(
            f"{self.names[place]}: {done.status.lower()}{f', {done.error}' if done.error else ''}{self._left(folder)}"
        )

    def has_reported(self, folder: Path, number: int) -> bool:
        """Whether the job has begun since these were launched."""
        from hepexp.learning.multirun import report_file

        file = report_file(folder, number)
        return file.exists() and file.stat().st_mtime >= self.begun

    def _left(self, folder: Path) -> str:
        """The time that the other runs will take, if they are like those before."""
        from hepexp.learning.multirun import LOST, outcome

        done = sum(self.has_reported(folder, n) and outcome(folder, n, []).status != LOST for n in self.numbers)
        left = len(self.numbers) - done
        minutes = (time.time() - self.begun) / max(done, 1) * left / 60
        return (
            f"; {left} left, about {f'{minutes / 60:.1f} h' if minutes > 90 else f'{minutes:.0f} min'}" if left else ""
        )

    def _say(self, text: str) -> None:
        from hepexp.spelling import visible

        print(visible(f"study   {text}"), file=sys.stderr, flush=True)


def _resume(label: str):
    from hepexp.learning.experiment import resume
    from hepexp.tracking.known_servers import resumed_config
    from hepexp.tracking.run_folder import RunFolder

    folder = RunFolder.find(label)
    return resume(folder, resumed_config(folder, []))


@contextmanager
def _to_file(path: Path | None) -> Iterator[None]:
    """What is printed, by libraries too, goes to a file."""
    if path is None:
        yield
        return
    sys.stdout.flush()
    sys.stderr.flush()
    before = os.dup(1), os.dup(2)
    with open(path, "ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for number, descriptor in enumerate(before, 1):
            os.dup2(descriptor, number)
            os.close(descriptor)
