"""Start the workers of a sweep: processes of this machine, or jobs of a cluster."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hepexp.errors import ConfigError

STOP_LIMIT = 60.0  # seconds that a worker gets to write the checkpoint of its training


def command(name: str, storage: str, number: int) -> list[str]:
    return [sys.executable, "-m", "hepexp", "__work", name, storage, str(number)]


@contextmanager
def local(name: str, storage: str, jobs: int, folder: Path) -> Iterator[list[subprocess.Popen]]:
    """Worker processes, their output in folder/worker_<k>.log; none of them outlives the block."""
    folder.mkdir(parents=True, exist_ok=True)
    workers: list[subprocess.Popen] = []
    try:
        for number in range(jobs):
            with open(folder / f"worker_{number}.log", "ab") as log:
                # a session of its own: Ctrl-C reaches us alone, and we hand it on
                words = [*command(name, storage, number), "--parent", str(os.getpid())]
                workers.append(subprocess.Popen(words, stdout=log, stderr=log, start_new_session=True))
        yield workers
    finally:
        for worker in workers:
            if worker.poll() is None:
                worker.send_signal(signal.SIGINT)
        for worker in workers:
            try:
                worker.wait(STOP_LIMIT)
            except subprocess.TimeoutExpired:
                os.killpg(worker.pid, signal.SIGKILL)
                worker.wait()


def cluster(launcher: str, name: str, storage: str, jobs: int, folder: Path, parameters: dict[str, Any]) -> list[Any]:
    """Submit the workers through submitit; its jobs.

    Raises
    ------
    ConfigError : submitit does not know a parameter, or there is no such cluster here.
    """
    import submitit

    kind = launcher.removeprefix("submitit_")
    try:
        executor = submitit.AutoExecutor(folder=folder / "jobs", cluster=kind)
        executor.update_parameters(name=f"hepexp_{name}"[:100], **parameters)
        functions = [submitit.helpers.CommandFunction(command(name, storage, k), verbose=True) for k in range(jobs)]
        return [executor.submit(function) for function in functions]
    except (NameError, TypeError, ValueError, RuntimeError, FileNotFoundError) as error:
        raise ConfigError(f"sweep.launcher={launcher}: {str(error).splitlines()[0]}") from error
