"""The workers of a sweep as jobs of a cluster, through submitit: they outlive the process that submitted them."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import psutil

from hepexp.atomic import write_json
from hepexp.errors import ConfigError, Interrupted
from hepexp.submission import executor_of, is_command, refusals
from hepexp.sweep.storage import VARIABLE

FILE = "jobs.json"  # in the folder of the sweep
END = {"submitit_slurm": "scancel", "submitit_local": "kill"}


@dataclass(frozen=True)
class ClusterWorker:
    """What a job does. It is written to a file, so it must not contain the storage, whose address may hold a password.

    Parameters
    ----------
    name : of the sweep.
    run_id : MLflow run whose children the trials are.
    """

    name: str
    run_id: str

    def __call__(self) -> str:
        import submitit

        from hepexp.sweep.worker import start

        environment = submitit.JobEnvironment()
        if environment.cluster == "local":
            os.setsid()  # Ctrl-C in the terminal that it was submitted from is not meant for it
        # sent before the time limit or a more important job ends this one: the trial is queued again
        warning = signal.Signals[f"SIG{environment.USR_SIG}"]
        signal.signal(warning, lambda *_: signal.raise_signal(signal.SIGTERM))
        try:
            start(self.name, self.run_id)
        except Interrupted as error:
            return f"ended by {error}"
        return "done"


@dataclass(frozen=True)
class ClusterJobs:
    """The jobs of a sweep.

    Parameters
    ----------
    launcher : submitit_slurm or submitit_local.
    cluster : parameters of submitit's executor.
    ids : as the cluster names the jobs; of submitit_local process numbers.
    folder : of the sweep.
    """

    launcher: str
    cluster: dict[str, Any]
    ids: list[str]
    folder: str

    @classmethod
    def read(cls, folder: Path) -> ClusterJobs | None:
        """Those that were submitted last; None when there are none.

        Raises
        ------
        ConfigError : the file is cut, or holds something else.
        """
        file = folder / FILE
        if not file.is_file():
            return None
        try:
            noted = json.loads(file.read_text(encoding="utf-8"))
            jobs = cls(**{**noted, "folder": str(folder.resolve())})  # which may have been moved
            jobs.command_to_end  # noqa: B018 what it is made of is there
            dict(jobs.cluster)
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise ConfigError(f"{file} does not describe the jobs of a sweep: {error!r}") from error
        return jobs

    @property
    def commands(self) -> list[str]:
        """The parameters that write commands into the script of a job. Only a command line may do so, never a file."""
        return [
            key
            for key, value in self.cluster.items()
            if is_command(key) or not isinstance(value, int | float | str | None) or "\n" in str(value)
        ]

    @classmethod
    def submit(
        cls, launcher: str, cluster: dict[str, Any], worker: ClusterWorker, number: int, url: str, folder: Path
    ) -> ClusterJobs:
        """Submit a number of jobs that all do the same, and note them in the folder.

        Raises
        ------
        ConfigError : the cluster refuses them.
        """
        import submitit

        with refusals(_asked(launcher)), _deaf(), submitit.helpers.environment_variables(**{VARIABLE: url}):
            ready = executor(launcher, {"name": f"hepexp_{folder.name}"[:100], **cluster}, folder)
            jobs = [ready.submit(worker) for _ in range(number)]
        submitted = cls(launcher, cluster, [job.job_id for job in jobs], str(folder.resolve()))
        write_json(folder / FILE, asdict(submitted))
        return submitted

    @property
    def logs(self) -> Path:
        return Path(self.folder) / "jobs"

    @property
    def command_to_end(self) -> str:
        return f"{END[self.launcher]} {' '.join(self.ids)}"

    def are_going(self) -> bool:
        """Whether one of them waits or runs."""
        if self.launcher == "submitit_local":
            return any(_runs(int(number)) for number in self.ids)
        return not all(job.done() for job in self._slurm)

    @cached_property
    def _slurm(self) -> list[Any]:
        import submitit

        return [submitit.SlurmJob(folder=self.logs, job_id=number) for number in self.ids]


def executor(launcher: str, cluster: dict[str, Any], folder: Path) -> Any:
    """Submitit's executor.

    Raises
    ------
    ConfigError : there is no such cluster here, or submitit does not know a parameter.
    """
    return executor_of(launcher, cluster, folder / "jobs", _asked(launcher))


def _asked(launcher: str) -> str:
    return f"sweep.launcher={launcher}"


@contextmanager
def _deaf() -> Iterator[None]:
    """Processes started here ignore interrupts and hang-ups of the terminal."""
    before = {number: signal.signal(number, signal.SIG_IGN) for number in (signal.SIGINT, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _runs(number: int) -> bool:
    """Whether a process is one of submitit's, and alive."""
    try:
        process = psutil.Process(number)
        return process.status() != psutil.STATUS_ZOMBIE and "submitit.local._local" in process.cmdline()
    except psutil.Error:
        return False
