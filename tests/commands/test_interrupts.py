"""Ctrl-C at any stage of a record: the run is KILLED, the exit code is 130, and --resume completes it."""

import json
import os
import signal
import sqlite3

import psutil
import pytest

from hepexp.cli.main import main
from hepexp.learning import experiment, results
from hepexp.learning.callbacks.history import History
from hepexp.tracking.mlflow_store import MlflowRun
from tests.commands.shell import SMALL

TINY = [*SMALL, "trainer.max_epochs=1", "dataset.n_train=100", "dataset.n_val=60", "dataset.n_test=60"]
STAGES = [
    (MlflowRun, "start"),
    (experiment.DdpWorkers, "__enter__"),
    (results, "write_predictions"),
    (results, "draw_figures"),
    (MlflowRun, "log_metrics"),
    (experiment, "_registered"),
    (MlflowRun, "finish"),
]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def runs(home, monkeypatch):
    """One folder for all: to make a store takes longer than a training."""
    monkeypatch.setenv("HEPEXP_RUNS_DIR", str(home / "runs"))
    monkeypatch.chdir(home)
    return home / "runs"


def status(runs):
    """Of the newest run."""
    with sqlite3.connect(runs / "mlflow.db") as store:
        return store.execute("select status from runs order by start_time desc limit 1").fetchone()[0]


def signalled(monkeypatch, owner, name, number=signal.SIGINT):
    """Let a function send a signal, after what it does, the first time that it is called."""
    whole, calls = getattr(owner, name), []  # of a class method, the method of this very class

    def send(*args, **keywords):
        result = whole(*args, **keywords)
        calls.append(name)
        if len(calls) == 1:
            signal.raise_signal(number)
        return result

    monkeypatch.setattr(owner, name, send)


@pytest.mark.parametrize("place", range(len(STAGES)), ids=[name for _, name in STAGES])
def test_a_signal_at_any_stage_leaves_a_killed_run_that_is_resumed(runs, monkeypatch, capfd, place):
    owner, name = STAGES[place]
    with monkeypatch.context() as patch:
        signalled(patch, owner, name, (signal.SIGINT, signal.SIGTERM)[place % 2])
        assert main(["train", *TINY]) == 130
    said = capfd.readouterr().err
    assert said.splitlines()[-1] == "hepexp: error: interrupted"
    assert "Traceback" not in said
    assert status(runs) == "KILLED"
    assert main(["train", "--resume", "latest"]) == 0
    assert status(runs) == "FINISHED"
    assert json.loads((runs / "latest" / "metrics.json").read_text(encoding="utf-8"))["train/epochs"] == 1


def test_a_signal_in_a_multirun_ends_it_and_names_the_jobs_left(runs, monkeypatch, capfd):
    signalled(monkeypatch, results, "draw_figures")
    assert main(["train", "-m", *TINY, "seed=1,2"]) == 130
    said = capfd.readouterr()
    assert said.err.splitlines()[-1] == "hepexp: error: interrupted"
    assert "2 of 2 jobs did not finish" in said.out
    assert status(runs) == "KILLED"


def test_a_worker_that_loads_data_leaves_ctrl_c_to_the_training(runs, monkeypatch):
    """A terminal sends SIGINT to every process of the group."""
    ended = History.on_validation_start
    pressed = []

    def press(self, trainer, module):
        ended(self, trainer, module)
        if not pressed:
            pressed.extend(psutil.Process().children())
            for process in pressed:
                process.send_signal(signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr(History, "on_validation_start", press)
    assert main(["train", *TINY, "dataset.num_workers=1", "trainer.max_epochs=2"]) == 130
    assert pressed
    assert status(runs) == "KILLED"
    assert "DataLoader" not in (runs / "latest" / "log.txt").read_text(encoding="utf-8")
