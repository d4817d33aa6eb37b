"""Worker processes of a distributed training on this machine.

The run's config is composed once and frozen in its folder; each worker reads it there. The command line is not parsed
again, so a multirun, an alias or an interpolated time means the same on every rank.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import torch

from hepexp.errors import HepexpError
from hepexp.learning.trainer import TrainerOptions
from hepexp.tracking.run_folder import RunFolder


def started_from_outside() -> bool:
    """Whether SLURM or torchrun has started the processes of this training."""
    return "LOCAL_RANK" in os.environ or "SLURM_NTASKS" in os.environ


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def command(folder: RunFolder, resume_from: Path | None) -> list[str]:
    """The command line of a worker."""
    return [sys.executable, "-m", "hepexp.learning.ddp_worker", str(folder.path), str(resume_from or "")]


def ready_file(folder: RunFolder, rank: int) -> Path:
    """What a worker leaves in the run's folder once it has built its components and is about to join."""
    return folder.path / f"rank{rank}.ready"


class DdpWorkers:
    """Runs ranks 1 ... n-1 while it is entered; starts nothing for training on one device.

    Nor does it under SLURM or torchrun, where the processes exist already. It is entered once every worker is about to
    join: the rendezvous itself is a wait in C++, which neither a signal nor the end of a worker interrupts.

    Parameters
    ----------
    folder : the run; a worker writes to its rank<i>.txt.
    options : how many devices.
    resume_from : checkpoint that all ranks load.

    Raises
    ------
    HepexpError : a worker failed, or ended before it joined.
    """

    VARIABLES = ("LOCAL_RANK", "NODE_RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
    GRACE_SECONDS = 20
    PERIOD = 0.1  # seconds between looks at the workers

    def __init__(self, folder: RunFolder, options: TrainerOptions, resume_from: Path | None):
        self.folder, self.resume_from = folder, resume_from
        self.count = 0 if started_from_outside() or options.strategy != "ddp" else options.devices - 1
        self.processes: list[subprocess.Popen] = []

    def __enter__(self) -> DdpWorkers:
        if not self.count:
            return self
        shared = {
            "NODE_RANK": "0",
            "WORLD_SIZE": str(self.count + 1),
            "MASTER_ADDR": "127.0.0.1",
            "MASTER_PORT": str(_free_port()),
        }
        threads = max(1, torch.get_num_threads() // (self.count + 1))
        self._threads = torch.get_num_threads()
        torch.set_num_threads(threads)
        os.environ.update(shared, LOCAL_RANK="0")
        try:
            self._start(threads)
            self._wait()
        except BaseException as error:
            self.__exit__(type(error), error, error.__traceback__)
            raise
        return self

    def _start(self, threads: int) -> None:
        words = command(self.folder, self.resume_from)
        for rank in range(1, self.count + 1):
            ready_file(self.folder, rank).unlink(missing_ok=True)  # of a training that was killed
            variables = {**os.environ, "LOCAL_RANK": str(rank), "OMP_NUM_THREADS": str(threads)}
            with open(self.folder.path / f"rank{rank}.txt", "ab") as output:
                # in a new session: Ctrl-C reaches only the first rank, which ends the others
                process = subprocess.Popen(words, env=variables, stdout=output, stderr=output, start_new_session=True)
            self.processes.append(process)

    def _wait(self) -> None:
        """Wait until every worker is about to join."""
        waiting = list(range(1, self.count + 1))
        while waiting:
            codes = [process.poll() for process in self.processes]  # before the files: none comes from an ended one
            waiting = [rank for rank in waiting if not ready_file(self.folder, rank).exists()]
            for rank in waiting:
                if (code := codes[rank - 1]) is not None:
                    raise self._failure(rank, code)
            time.sleep(self.PERIOD if waiting else 0)
        self._remove_ready()

    def _remove_ready(self) -> None:
        for rank in range(1, self.count + 1):
            ready_file(self.folder, rank).unlink(missing_ok=True)

    def _failure(self, rank: int, code: int) -> HepexpError:
        return HepexpError(
            f"rank {rank} of the training ended with code {code}; see {self.folder.path / f'rank{rank}.txt'}"
        )

    def __exit__(self, kind, error, trace) -> None:
        if not self.count:
            return
        for name in self.VARIABLES:
            os.environ.pop(name, None)
        torch.set_num_threads(self._threads)
        if torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()
        failed = self._end(gently=error is None)
        self._remove_ready()
        if failed and (error is None or isinstance(error, Exception)):
            raise self._failure(*failed[0]) from error

    def _end(self, gently: bool) -> list[tuple[int, int]]:
        """Wait for the workers, or end them; returns those that failed without being ended, as (rank, exit code)."""
        failed = []
        for rank, process in enumerate(self.processes, start=1):
            if not gently and process.poll() is None:
                process.send_signal(signal.SIGTERM)
            try:
                code = process.wait(timeout=self.GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                code = process.wait()
            if code not in (0, -signal.SIGTERM, 130):
                failed.append((rank, code))
        return failed
