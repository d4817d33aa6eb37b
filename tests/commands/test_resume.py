"""A killed and resumed training ends with identical figures; one that fails or is stopped says so in MLflow."""

import json
import signal
import sqlite3
import subprocess
import time

from tests.commands.shell import SMALL, command, hepexp, one_line

# 40 steps an epoch, and a checkpoint after every few of them
LONG = (*SMALL, "dataset.n_train=5120", "trainer.max_epochs=3", "trainer.checkpoint_minutes=0.001")
TIMINGS = (
    "train/examples_per_second",
    "train/seconds",
    "model/latency_1",
    "model/latency_512",
    "model/latency_512_note",
)


def status(folder):
    with sqlite3.connect(folder / "runs" / "mlflow.db") as store:
        return store.execute("select status from runs order by start_time").fetchall()


def start_and_signal(folder, number, wait_for):
    """Start LONG and send a signal once `wait_for(run folder)` is true; returns the exit code and stderr."""
    with subprocess.Popen(**command(folder, "train", *LONG), stderr=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        end = time.monotonic() + 120
        while not wait_for(folder / "runs" / "latest") and time.monotonic() < end and process.poll() is None:
            time.sleep(0.02)
        process.send_signal(number)
        _, stderr = process.communicate(timeout=120)
    return process.returncode, stderr


def metrics(folder):
    found = json.loads((folder / "runs" / "latest" / "metrics.json").read_text())
    return {key: value for key, value in found.items() if key not in TIMINGS}


def has_checkpoint(run):
    return (run / "checkpoints" / "last.ckpt").exists()


def test_sigkill_and_resume_give_the_same_metrics(tmp_path):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    whole.mkdir()
    broken.mkdir()
    assert hepexp(whole, "train", *LONG).returncode == 0
    code, _ = start_and_signal(broken, signal.SIGKILL, has_checkpoint)
    assert code == -signal.SIGKILL
    assert not (broken / "runs" / "latest" / "metrics.json").exists()
    assert status(broken) == [("RUNNING",)]  # nothing can be written after SIGKILL

    resumed = hepexp(broken, "train", "--resume", "latest")
    assert resumed.returncode == 0, resumed.stderr
    assert metrics(broken) == metrics(whole)
    assert status(broken) == [("FINISHED",)]  # one run, the same as before


def test_sigterm_leaves_a_killed_run_that_can_be_resumed(tmp_path):
    code, stderr = start_and_signal(tmp_path, signal.SIGTERM, has_checkpoint)
    assert code == 130, stderr
    assert "Traceback" not in stderr
    assert status(tmp_path) == [("KILLED",)]
    resumed = hepexp(tmp_path, "train", "--resume", "latest", "trainer.max_epochs=1")
    assert resumed.returncode == 0, resumed.stderr
    assert status(tmp_path) == [("FINISHED",)]


def test_a_resumed_run_may_not_become_another(tmp_path):
    assert hepexp(tmp_path, "train", *SMALL, "trainer.max_epochs=1").returncode == 0
    message = one_line(hepexp(tmp_path, "train", "--resume", "latest", "model=lorentznet"), 2)
    assert "trainer.KEY" in message
    assert "no run" in one_line(hepexp(tmp_path, "train", "--resume", "nowhere"), 2)


def test_a_failing_run_is_failed_in_mlflow_with_its_reason(tmp_path):
    # the learning rate drives the weights to NaN, which no metric accepts
    result = hepexp(tmp_path, "train", *SMALL, "optimizer.lr=1e30", "trainer.gradient_clip=null")
    message = one_line(result, 1)
    assert "diverged" in message
    assert status(tmp_path) == [("FAILED",)]
    with sqlite3.connect(tmp_path / "runs" / "mlflow.db") as store:
        tags = dict(store.execute("select key, value from tags"))
    assert "diverged" in tags["reason"]
    assert list((tmp_path / "runs" / "mlartifacts").glob("**/traceback.txt"))
    assert (tmp_path / "runs" / "latest" / "log.txt").read_text()
