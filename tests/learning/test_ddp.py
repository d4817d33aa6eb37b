"""Processes of a distributed training that end before they have joined it."""

import os
import signal
import sys
import threading
from datetime import timedelta

import pytest

from hepexp.errors import HepexpError, Interrupted
from hepexp.interrupts import Interrupts
from hepexp.learning import ddp
from hepexp.learning.trainer import TrainerOptions
from hepexp.tracking.run_folder import RunFolder

OPTIONS = TrainerOptions(strategy="ddp", devices=3, accelerator="cpu")
READY = "import os, pathlib; pathlib.Path('rank' + os.environ['LOCAL_RANK'] + '.ready').touch()"
WAIT = "import time; time.sleep(60)"


@pytest.fixture
def workers(tmp_path, monkeypatch):
    """Workers that run a line of Python each, in the run's folder."""
    monkeypatch.chdir(tmp_path)
    for name in ("SLURM_NTASKS", *ddp.DdpWorkers.VARIABLES):
        monkeypatch.delenv(name, raising=False)

    def made(line):
        monkeypatch.setattr(ddp, "command", lambda *_: [sys.executable, "-c", line])
        return ddp.DdpWorkers(RunFolder(tmp_path), OPTIONS, None)

    return made


def ended(workers):
    return all(process.poll() is not None for process in workers.processes) and "LOCAL_RANK" not in os.environ


def test_a_worker_that_ends_before_it_joins_ends_the_training(workers, tmp_path):
    first_ends = workers(f"import os, sys\nif os.environ['LOCAL_RANK'] == '1': sys.exit('no data')\n{WAIT}")
    (tmp_path / "rank1.ready").touch()  # left by a training that was killed
    with pytest.raises(HepexpError, match=r"^rank 1 of the training ended with code 1; see .*rank1\.txt$"), first_ends:
        pytest.fail("the training began")
    assert (tmp_path / "rank1.txt").read_text() == "no data\n"
    assert len(first_ends.processes) == 2
    assert ended(first_ends)


def test_a_signal_ends_the_wait_for_the_workers(workers):
    never_ready = workers(WAIT)
    timer = threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGTERM))
    timer.start()
    with pytest.raises(Interrupted), Interrupts(), never_ready:
        pytest.fail("the training began")
    timer.join()
    assert ended(never_ready)


def test_the_training_begins_once_every_worker_is_ready(workers, tmp_path):
    both = workers(READY)
    with both:
        assert sorted(file.name for file in tmp_path.iterdir()) == ["rank1.txt", "rank2.txt"]
    assert ended(both)


def test_processes_on_one_machine_wait_minutes_for_each_other():
    one, two = (TrainerOptions(strategy="ddp", num_nodes=nodes, accelerator="cpu") for nodes in (1, 2))
    assert one.build([]).strategy._timeout == timedelta(minutes=5)
    assert two.build([]).strategy._timeout >= timedelta(minutes=30)  # each node may have to convert the data first
