"""Sweeps survive failing trials and SIGKILL; machines share one; a wrong request is one line."""

import csv
import json
import os
import signal
import sqlite3
import subprocess
import time

import pytest

from hepexp.cli.main import main
from tests.commands import slurm
from tests.commands.shell import SMALL, command, hepexp, one_line

TINY = (*SMALL, "trainer.max_epochs=1", "dataset.n_train=128", "dataset.n_val=100", "dataset.n_test=100")


def trials(folder, name):
    return list(csv.DictReader((folder / "sweeps" / name / "trials.csv").read_text().splitlines()))


def running(database):
    """Process of the trial that is being trained after another one was completed; None while there is none."""
    try:
        with sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True) as store:
            if not store.execute("select 1 from trials where state = 'COMPLETE'").fetchone():
                return None
            attributes = store.execute(
                "select key, value_json from trial_user_attributes join trials using (trial_id) where state = 'RUNNING'"
            )
            found = {key: json.loads(value) for key, value in attributes}
            return int(found["process"]["pid"]) if "run" in found else None
    except sqlite3.OperationalError:  # the database is being made
        return None


def wait_for(condition):
    deadline = time.monotonic() + 200
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.2)


def test_a_killed_sweep_is_resumed_and_a_failing_trial_is_in_its_table(tmp_path):
    runs = tmp_path / "runs"
    words = ("sweep", *TINY, "trainer.gradient_clip=null", "sweep.name=one", "sweep.sampler=grid")
    words += ("tracking.register=swept",)
    space = "sweep.space.optimizer.lr=choice(1e-3,1e30,2e-3,3e-3)"
    process = subprocess.Popen(**command(tmp_path, *words, space), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(lambda: running(runs / "sweeps.db"))
    process.kill()
    os.kill(running(runs / "sweeps.db"), signal.SIGKILL)
    process.wait()
    assert running(runs / "sweeps.db")

    result = hepexp(tmp_path, "sweep", "--resume", "one")
    assert result.returncode == 0, result.stderr + result.stdout
    assert "queued again" in result.stderr
    found = {row["optimizer.lr"]: row for row in trials(runs, "one")}
    assert len(trials(runs, "one")) == 4  # none twice
    complete = dict.fromkeys(("1e-3", "2e-3", "3e-3"), "COMPLETE")
    assert {lr: row["state"] for lr, row in found.items()} == {**complete, "1e30": "FAIL"}
    assert "diverged" in found["1e30"]["error"]
    best = max(float(row["val/auc"]) for row in found.values() if row["val/auc"])
    (line,) = (runs / "sweeps/one/best.txt").read_text().splitlines()
    assert line in result.stdout
    assert float(found[line.partition("optimizer.lr=")[2]]["val/auc"]) == best
    assert (runs / "sweeps/one/history.png").stat().st_size > 10_000
    with sqlite3.connect(runs / "mlflow.db") as store:
        parents = store.execute("select run_uuid from tags where key = 'kind' and value = 'sweep'").fetchall()
        query = "select distinct value, count(*) from tags where key = 'mlflow.parentRunId'"
        assert [(parents[0][0], 5)] == store.execute(query).fetchall()  # one of them was killed
        query = "select t.value from model_versions v join tags t on v.run_id = t.run_uuid where t.key = 'folder'"
        best_run = found[line.partition("optimizer.lr=")[2]]["run"]
        assert store.execute(query).fetchall() == [(best_run,)]  # of the best trial alone

    again = hepexp(tmp_path, *words, "sweep.space.optimizer.lr=choice(1e-3,3e-3)")
    assert "in use with another space" in one_line(again, 2)


def test_two_machines_work_on_one_journal_each_with_an_mlflow_store_of_its_own(tmp_path):
    words = ("sweep", *TINY, "sweep.space.optimizer.lr=log(1e-4,1e-2)", "sweep.trials=4", "sweep.name=both")
    storage = {"HEPEXP_SWEEP_STORAGE": f"journal:{tmp_path / 'shared.log'}"}
    machines = [tmp_path / name for name in ("first", "second")]
    lines = [command(tmp_path, *words, HEPEXP_RUNS_DIR=str(machine), **storage) for machine in machines]
    both = [subprocess.Popen(**line, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for line in lines]
    for process in both:
        _, errors = process.communicate(timeout=300)
        assert process.returncode == 0, errors
    for machine in machines:
        assert [row["state"] for row in trials(machine, "both")] == ["COMPLETE"] * 4
        assert len({row["optimizer.lr"] for row in trials(machine, "both")}) == 4
    done = []
    for machine in machines:
        with sqlite3.connect(machine / "mlflow.db") as store:
            (parent,) = store.execute("select run_uuid from tags where key = 'kind' and value = 'sweep'").fetchone()
            assert {p for (p,) in store.execute("select value from tags where key = 'mlflow.parentRunId'")} == {parent}
            assert {s for (s,) in store.execute("select status from runs")} == {"FINISHED"}
            done += [number for (number,) in store.execute("select value from tags where key = 'trial'")]
    assert sorted(done) == ["0", "1", "2", "3"]


@pytest.mark.slow
def test_jobs_of_a_cluster_go_on_when_the_command_has_ended_and_are_found_again(tmp_path):
    commands = slurm.install(tmp_path / "bin")
    shell = {"PATH": f"{commands}:{os.environ['PATH']}", "HEPEXP_SWEEP_STORAGE": f"journal:{tmp_path / 'secret.log'}"}
    words = ("sweep", *TINY, "sweep.space.optimizer.lr=log(1e-4,1e-2)", "sweep.trials=2", "sweep.name=jobs")
    cluster = ("sweep.launcher=submitit_slurm", "sweep.cluster={partition: gpu}")
    process = subprocess.Popen(**command(tmp_path, *words, *cluster, **shell), stderr=subprocess.PIPE)
    folder = tmp_path / "runs" / "sweeps" / "jobs"
    wait_for((folder / "jobs.json").exists)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "the jobs continue; to cancel them: scancel 1000" in errors
    resumed = hepexp(tmp_path, "sweep", "--resume", "jobs", **shell)
    assert resumed.returncode == 0, resumed.stderr
    assert [row["state"] for row in trials(tmp_path / "runs", "jobs")] == ["COMPLETE"] * 2
    assert len(list(commands.glob("*.pid"))) == 1  # nothing was submitted twice
    assert "#SBATCH --partition=gpu" in (folder / "jobs" / "1000_submission.sh").read_text()
    assert not any(b"secret" in file.read_bytes() for file in (folder / "jobs").iterdir())


SPACE = "sweep.space.optimizer.lr=log(1e-4,1e-2)"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "a sweep needs at least one sweep.space.KEY"),
        (["sweep.space.optimizer.lr=log(1e-2,1e-4)"], "needs its lower bound first"),
        (["sweep.space.optimizer.lr=log(0,1)"], "log needs bounds > 0"),
        (["sweep.space.optimizer.lr=1e-3"], "must be log(a, b)"),
        (["sweep.space.optimizer.rl=log(1e-4,1e-2)"], "optimizer.rl is not an option"),
        (["sweep.space.model=choice(pfn,particlnet)"], "did you mean particlenet?"),
        (["sweep.space.model.width=choice()"], "needs distinct values"),
        ([SPACE, "sweep.trails=3"], "did you mean trials?"),
        ([SPACE, "sweep.sampler=grid"], "grid needs choice or int"),
        ([SPACE, "sweep.sampler=cmaes"], "cmaes needs two keys or more"),
        ([SPACE, "sweep.metric=test/auc"], "must not be a test metric"),
        ([SPACE, "sweep.metric=val/rejection_0.5"], "is computed on the test set only"),
        (
            [SPACE, "sweep.metric=val/max_sic_to", "evaluation.metrics=[max_sic]"],
            "no trial has max_sic_to; did you mean",
        ),
        ([SPACE, "sweep.metric=model/flops", "sweep.pruner=median"], "needs a value after every epoch"),
        ([SPACE, "sweep.storage=nowhere"], "must be sqlite:///FILE"),
        ([SPACE, "sweep.launcher=submitit_slurm"], 'Could not detect "srun"'),
        ([SPACE, "--cfg", "job"], "--cfg has no meaning for a sweep"),
        ([SPACE, "sweep.trials=-1"], "sweep.trials must be >= 1, got -1"),
        ([SPACE, "sweep.trials=2.5"], "sweep.trials: expected a whole number"),
        ([SPACE, "sweep.trials=["], "cannot read the value of 'sweep.trials=['"),
        ([SPACE, "sweep.jobs=0"], "sweep.jobs must be >= 1, got 0"),
        ([SPACE, "sweep.jobs=1000000"], "processes for each of the"),
        ([SPACE, "sweep.seed=-1"], "sweep.seed must be from 0 to 4294967295, got -1"),
        ([SPACE, "sweep.sampler=bayes"], "sweep.sampler: expected tpe, random, grid, cmaes or nsgaii"),
        ([SPACE, "sweep.pruner=percentile"], "sweep.pruner: expected "),
        ([SPACE, "sweep.name=../up"], "sweep.name must be letters"),
        ([SPACE, "sweep.metric=5"], "sweep.metric: expected"),
        ([SPACE, "sweep.space=5"], "sweep.space"),
        ([SPACE, "sweep.cluster=5"], "sweep.cluster: expected"),
        ([SPACE, "sweep.nothing"], "expected sweep.KEY=VALUE"),
        ([SPACE, "sweep=nothing"], "unknown sweep"),
        (["sweep.space.=log(1,2)"], "sweep.space"),
        (["sweep.space.model.width=choice(1,{"], "sweep.space.model.width"),
        (["sweep.space.model.phi_sizes=log(8,64)"], "model.phi_sizes"),
        (["sweep.space.dataset.n_train=log(0.5,64)"], "takes whole numbers: give whole bounds"),
        ([f"sweep.space.dataset.n_train=int(1,{10**30})"], "needs bounds below 2^53"),
        (["--resume", "nothing"], "there are no sweeps yet"),
        (["--resume", "nothing", "sweep.sampler=grid"], "sweep.sampler cannot be changed now"),
        (["--resume"], "expected hepexp sweep --resume NAME"),
        (["-m", "sweep.space.seed=int(1,3)"], "a sweep is many runs already"),
    ],
)
def test_a_wrong_request_is_one_line(tmp_path, words, said, monkeypatch, capsys):
    monkeypatch.setenv("HEPEXP_RUNS_DIR", str(tmp_path / "runs"))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    monkeypatch.delenv("HEPEXP_SWEEP_STORAGE", raising=False)
    base = [] if "--resume" in words else ["model=pfn", "data=qg"]
    assert main(["sweep", *base, *words]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("hepexp: error: ")
    assert said in line
    assert not (tmp_path / "runs" / "mlflow.db").exists()
