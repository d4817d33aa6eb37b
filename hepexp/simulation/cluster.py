"""Blocks of simulated examples made by the jobs of a cluster, through submitit.

Which block a job makes has no effect on what is in it, so the sample is the same whatever their number. Each block is
saved when it is finished; jobs that were lost are submitted again, and so they are by the same command on another day.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from hepexp.data.store.ragged import Layout
from hepexp.errors import ConfigError, HepexpError
from hepexp.simulation.block import Block
from hepexp.submission import executor_of, is_command, refusals

LAUNCHERS = ("joblib", "submitit_slurm", "submitit_local")  # the first are processes on this machine
ATTEMPTS = 3  # times that jobs are submitted for blocks that are missing
_POLL = 1.0  # seconds
Work = TypeVar("Work")


@dataclass(frozen=True)
class Share:
    """What a job does: make some blocks, those that are not there yet, and save each under its name."""

    blocks: list[Block]
    layout: Layout
    folder: Path

    def __call__(self) -> int:
        missing = [block for block in self.blocks if not (self.folder / block.file_name).exists()]
        for block in missing:
            block.save(self.folder, self.layout)
        return len(missing)


@dataclass(frozen=True)
class Cluster:
    """Where jobs are submitted; called as `make_blocks` of this machine.

    Parameters
    ----------
    launcher : submitit_slurm, or submitit_local for processes that are submitted in the same way.
    parameters : of submitit's executor, such as partition.

    Raises
    ------
    ConfigError : the launcher is unknown, there is no such cluster here, or submitit does not have a parameter, or it
        would write commands into the script of a job.
    """

    launcher: str
    parameters: Mapping[str, Any]

    def __post_init__(self) -> None:
        if self.launcher not in LAUNCHERS[1:]:
            raise ConfigError(f"--launcher must be one of {', '.join(LAUNCHERS)}, got {self.launcher!r}")
        for name in self.parameters:
            if is_command(name):
                raise ConfigError(f"--cluster {name}: parameters that are commands are not taken")
        self._executor(Path())  # refuses here what it can, before anything is written

    def __call__(
        self, blocks: list[Block], layout: Layout, folder: Path, jobs: int, report: Callable[[int], None]
    ) -> None:
        """Make each block by one of `jobs` jobs, and save it in the folder, which the jobs have to see as well.

        Raises
        ------
        ConfigError : the cluster refuses the jobs.
        HepexpError : blocks are missing after all attempts; says where the jobs' output is.
        """
        self.run(
            blocks,
            lambda block: (folder / block.file_name).exists(),
            lambda some: Share(some, layout, folder.resolve()),
            jobs,
            folder,
            lambda block: report(block.n),
        )

    def run(
        self,
        work: Sequence[Work],
        is_done: Callable[[Work], bool],
        share: Callable[[list[Work]], Callable[[], Any]],
        jobs: int,
        folder: Path,
        report: Callable[[Work], None],
        noun: str = "block",
    ) -> None:
        """Submit pieces of work in shares until all are done.

        Parameters
        ----------
        is_done : whether a piece is, whoever did it.
        share : what a job calls to do some pieces.
        folder : that the pieces are saved in; the output of the jobs is beside it.
        report : called with each piece that is done.
        noun : of a piece.

        Raises
        ------
        ConfigError, HepexpError : as above.
        """
        logs = folder.with_name(f"{folder.name}.jobs")
        seen: set[int] = set()
        for _ in range(ATTEMPTS):
            missing = [one for one in work if not is_done(one)]
            submitted = self._submit([share(missing[i::jobs]) for i in range(min(jobs, len(missing)))], logs)
            try:
                while True:
                    over = all(job.done() for job in submitted)  # asked first: the last piece is there by then
                    for k in (k for k in range(len(work)) if k not in seen and is_done(work[k])):
                        seen.add(k)
                        report(work[k])
                    if over or len(seen) == len(work):
                        break
                    time.sleep(_POLL)
            except BaseException:
                for job in submitted:
                    with suppress(Exception):  # one that has ended cannot be cancelled
                        job.cancel()
                raise
            if len(seen) == len(work):
                return
        raise HepexpError(
            f"{len(work) - len(seen)} of {len(work)} {noun}s are missing, although jobs for them were submitted "
            f"{ATTEMPTS} times{_reason(submitted)}; their output is in {logs}; the same command resumes from {folder}"
        )

    def _submit(self, shares: list[Callable[[], Any]], logs: Path) -> list[Any]:
        executor = self._executor(logs)
        with refusals(self._asked):
            return [executor.submit(share) for share in shares]

    def _executor(self, logs: Path) -> Any:
        return executor_of(self.launcher, {"name": "hepexp_generate", **self.parameters}, logs, self._asked)

    @property
    def _asked(self) -> str:
        return f"--launcher {self.launcher}"


def _reason(jobs: Sequence[Any]) -> str:
    """What the first job says that failed, in one line."""
    for job in jobs:
        with suppress(Exception):  # of a job that was lost, nothing is known
            trace = str(job.exception() or "").partition("Traceback")[2].partition("\n-----")[0]  # as submitit shows it
            if trace:
                return f" ({trace.strip().splitlines()[-1].removeprefix('hepexp.errors.')[:500]})"
    return ""
