"""Sweeps survive failing trials and SIGKILL; two processes share one; a wrong request is one line."""

import csv
import json
import os
import signal
import sqlite3
import subprocess
import time

import pytest

from tests.commands.shell import SMALL, command, hepexp, one_line

TINY = (*SMALL, "trainer.max_epochs=1", "dataset.n_train=128", "dataset.n_val=100", "dataset.n_test=100")


def trials(folder, name):
    return list(csv.DictReader((folder / "runs" / "sweeps" / name / "trials.csv").read_text().splitlines()))


def test_a_failing_trial_is_in_the_table_and_the_others_go_on(tmp_path):
    words = ("sweep", *TINY, "trainer.gradient_clip=null", "sweep.space.optimizer.lr=choice(1e-3,1e30,2e-3)")
    result = hepexp(tmp_path, *words, "sweep.sampler=grid", "sweep.trials=3", "sweep.name=one", "sweep.jobs=2")
    assert result.returncode == 0, result.stderr + result.stdout
    found = {row["optimizer.lr"]: row for row in trials(tmp_path, "one")}
    assert {lr: row["state"] for lr, row in found.items()} == {"1e-3": "COMPLETE", "2e-3": "COMPLETE", "1e30": "FAIL"}
    assert "diverged" in found["1e30"]["error"]
    best = max((row for row in found.values() if row["val/auc"]), key=lambda row: float(row["val/auc"]))
    assert f"optimizer.lr={best['optimizer.lr']}" in (tmp_path / "runs/sweeps/one/best.txt").read_text()
    assert (tmp_path / "runs/sweeps/one/history.png").stat().st_size > 10_000
    with sqlite3.connect(tmp_path / "runs" / "mlflow.db") as store:
        (parent,) = store.execute("select run_uuid from tags where key = 'kind' and value = 'sweep'").fetchone()
        query = "select value from tags where key = 'mlflow.parentRunId'"
        assert [value for (value,) in store.execute(query)] == [parent] * 3


def test_a_killed_sweep_is_resumed_to_its_number_of_trials(tmp_path):
    words = ("sweep", *TINY, "sweep.space.optimizer.lr=log(1e-4,1e-2)", "sweep.trials=4", "sweep.name=two")
    process = subprocess.Popen(**command(tmp_path, *words), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    database = tmp_path / "runs" / "sweeps.db"
    states = lambda: [s for (s,) in sqlite3.connect(database).execute("select state from trials")]  # noqa: E731
    deadline = time.monotonic() + 200
    while time.monotonic() < deadline:
        time.sleep(0.3)
        if database.exists():
            try:
                found = states()
            except sqlite3.OperationalError:
                continue
            if "COMPLETE" in found and "RUNNING" in found:
                break
    os.kill(process.pid, signal.SIGKILL)
    with sqlite3.connect(database) as store:
        (attributes,) = store.execute(
            "select value_json from trial_user_attributes join trials using (trial_id) "
            "where key = 'process' and state = 'RUNNING'"
        ).fetchone()
    pid = int(json.loads(attributes)["pid"])
    os.kill(pid, signal.SIGKILL)
    process.wait()
    assert "RUNNING" in states()

    result = hepexp(tmp_path, "sweep", "--resume", "two")
    assert result.returncode == 0, result.stderr + result.stdout
    assert "queued again" in result.stderr
    rows = trials(tmp_path, "two")
    assert [row["state"] for row in rows] == ["COMPLETE"] * 4
    assert len({row["optimizer.lr"] for row in rows}) == 4  # none twice


def test_two_processes_work_on_one_journal(tmp_path):
    storage = f"sweep.storage=journal:{tmp_path / 'shared.log'}"
    words = ("sweep", *TINY, "sweep.space.optimizer.lr=log(1e-4,1e-2)", "sweep.trials=4", "sweep.name=both", storage)
    both = [subprocess.Popen(**command(tmp_path, *words), stdout=subprocess.PIPE, stderr=subprocess.PIPE)]
    while not (tmp_path / "shared.log").exists() or "hepexp" not in (tmp_path / "shared.log").read_text():
        time.sleep(0.2)
    both.append(subprocess.Popen(**command(tmp_path, *words), stdout=subprocess.PIPE, stderr=subprocess.PIPE))
    for process in both:
        _, errors = process.communicate(timeout=300)
        assert process.returncode == 0, errors
    rows = trials(tmp_path, "both")
    assert [row["state"] for row in rows] == ["COMPLETE"] * 4
    assert len({row["run"] for row in rows}) == 4


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "a sweep needs at least one sweep.space.KEY"),
        (["sweep.space.optimizer.lr=log(1e-2,1e-4)"], "from the lower bound to the higher"),
        (["sweep.space.optimizer.lr=log(0,1)"], "log needs bounds > 0"),
        (["sweep.space.optimizer.lr=1e-3"], "must be log(a, b)"),
        (["sweep.space.optimizer.rl=log(1e-4,1e-2)"], "optimizer.rl is not an option"),
        (["sweep.space.model.width=choice()"], "needs different values"),
        (["sweep.space.optimizer.lr=log(1e-4,1e-2)", "sweep.trails=3"], "did you mean trials?"),
        (["sweep.space.optimizer.lr=log(1e-4,1e-2)", "sweep.sampler=grid"], "grid needs choice or int"),
        (["sweep.space.optimizer.lr=log(1e-4,1e-2)", "sweep.metric=test/auc"], "must not be of the test"),
        (["sweep.space.optimizer.lr=log(1e-4,1e-2)", "sweep.storage=nowhere"], "must be sqlite:///FILE"),
        (["--resume", "nothing"], "no sweep 'nothing'"),
        (["-m", "sweep.space.seed=int(1,3)"], "a sweep is many runs already"),
    ],
)
def test_a_wrong_request_is_one_line(tmp_path, words, said):
    base = [] if "--resume" in words else ["model=pfn", "data=qg"]
    assert said in one_line(hepexp(tmp_path, "sweep", *base, *words), 2)


def test_a_name_in_use_with_another_space_is_refused(tmp_path):
    words = ("sweep", *TINY, "sweep.name=three", "sweep.trials=1")
    assert hepexp(tmp_path, *words, "sweep.space.optimizer.lr=choice(1e-3,2e-3)").returncode == 0
    again = hepexp(tmp_path, *words, "sweep.space.optimizer.lr=choice(1e-3,3e-3)")
    assert "in use with another space" in one_line(again, 2)
