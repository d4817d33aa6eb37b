"""The workers of a sweep as processes of this machine, which end with the process that started them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Self

from hepexp.sweep.storage import VARIABLE

STOP_LIMIT = 60.0  # seconds that a worker gets to write the checkpoint of its training
MOST_RESTARTS = 10


class SweepWorkers:
    """Worker processes, while it is entered; their output is in folder/worker_<k>.log.

    Parameters
    ----------
    name : of the sweep.
    url : of its storage.
    run_id : MLflow run whose children the trials are.
    number : of processes.
    folder : for the logs.
    """

    def __init__(self, name: str, url: str, run_id: str, number: int, folder: Path) -> None:
        self._command = [sys.executable, "-m", "hepexp", "__work", name, run_id, "--parent", str(os.getpid())]
        self._environment = {**os.environ, VARIABLE: url}
        self._folder = folder
        self._restarts = 0
        self._number = number
        self._processes: list[subprocess.Popen] = []

    def are_going(self) -> bool:
        """Whether there is one; a worker that was killed silently (out of memory) is started again."""
        for number, process in enumerate(self._processes):
            if (process.poll() or 0) < 0 and self._restarts < MOST_RESTARTS:
                self._restarts += 1
                self._processes[number] = self._start(number)
        return any(process.poll() is None for process in self._processes)

    def _start(self, number: int) -> subprocess.Popen:
        with open(self._folder / f"worker_{number}.log", "ab") as log:
            # a session of its own: Ctrl-C reaches us alone, and we hand it on
            return subprocess.Popen(
                self._command, env=self._environment, stdout=log, stderr=log, start_new_session=True
            )

    def __enter__(self) -> Self:
        for number in range(self._number):
            self._processes.append(self._start(number))
        return self

    def __exit__(self, *_) -> None:
        for process in self._processes:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
        for process in self._processes:
            try:
                process.wait(STOP_LIMIT)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
