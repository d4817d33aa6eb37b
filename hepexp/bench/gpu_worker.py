"""The process in which `hepexp bench gpu` measures: it can run out of memory, die or hang, and another takes over."""

from __future__ import annotations

import multiprocessing
import os
import time
import warnings
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import NamedTuple


class Job(NamedTuple):
    """A case in one mode.

    Parameters
    ----------
    until : seconds from its start after which it repeats nothing any more.
    """

    case: str
    mode: str
    device: str
    quick: bool
    until: float


class Worker:
    """Measures jobs in a process of its own, which starts with the first of them, and again after it has died.

    Parameters
    ----------
    target : what the process runs.
    """

    def __init__(self, target: Callable[[Connection], None] | None = None) -> None:
        self._target = target or serve
        self._context = multiprocessing.get_context("spawn")  # a fork would share the state of the GPU
        self._running: tuple[BaseProcess, Connection] | None = None

    def rows(self, job: Job, seconds: float) -> Iterator[dict]:
        """The rows of a job as they are found.

        Raises
        ------
        TimeoutError : it took longer; its process has been ended.
        ChildProcessError : its process died.
        """
        end = time.monotonic() + seconds
        if self._running is None:
            self._running = self._start()
        process, connection = self._running
        try:
            connection.send(job)
            while True:
                if not connection.poll(max(end - time.monotonic(), 0)):
                    self.stop()
                    raise TimeoutError(f"stopped after {seconds:.0f} s")
                if (found := connection.recv()) is None:
                    return
                yield found
        except (EOFError, OSError) as error:
            if isinstance(error, TimeoutError):
                raise
            process.join(5)
            code = process.exitcode
            self.stop()
            raise ChildProcessError(f"its process died (exit code {code})") from error

    def stop(self) -> None:
        """End the process, whatever it does."""
        if self._running is not None:
            process, connection = self._running
            process.kill()
            process.join()
            connection.close()
        self._running = None

    def _start(self) -> tuple[BaseProcess, Connection]:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=self._target, args=(theirs,))
        process.start()
        theirs.close()
        return process, ours


def serve(connection: Connection) -> None:
    """Measure one job after the other, until there is nobody to tell."""
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # the profiler's own lines
    import torch

    from hepexp.bench.gpu_cases import cases
    from hepexp.bench.gpu_measure import failed, measure, reason

    warnings.filterwarnings("ignore")  # of compilers and autocast: what fails is in the rows
    while True:
        try:
            job: Job = connection.recv()
        except (EOFError, KeyboardInterrupt):
            return
        case = cases(job.quick)[job.case]
        try:
            for row in measure(job.case, case, job.mode, torch.device(job.device), time.monotonic() + job.until):
                connection.send(row)
        except BrokenPipeError:
            return
        except Exception as error:
            connection.send(failed(f"{job.case} training {job.mode}", "hepexp", reason(error, case.n)))
        connection.send(None)
