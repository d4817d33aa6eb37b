import json
import logging
import math
import os
import sqlite3
import subprocess
import sys
import textwrap
import time

import psutil
import pytest
import yaml

from hepexp import atomic
from hepexp.errors import ConfigError, HepexpError
from hepexp.tracking import stale, store
from hepexp.tracking.mlflow_store import MlflowRun
from hepexp.tracking.process import is_dead, process_tags
from hepexp.tracking.run_folder import RunFolder
from hepexp.tracking.stale import reap_stale

START = """
from hepexp.tracking.mlflow_store import MlflowRun
from hepexp.tracking.run_folder import RunFolder
folder = RunFolder.create("hepexp", "a").path
run = MlflowRun.start("hepexp", "a", {"seed": 1}, {}, folder)
"""

LOCK = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN EXCLUSIVE")
print("locked", flush=True)
time.sleep(float(sys.argv[2]))
"""


def python(code, *args):
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *map(str, args)], stdout=subprocess.PIPE, text=True
    )


@pytest.fixture
def folder():
    return RunFolder.create("hepexp", "lorentznet_qg")


@pytest.fixture
def start(folder, existing_store):
    def begin(params=None, tags=None, **more):
        return MlflowRun.start("hepexp", "lorentznet_qg", params or {"seed": 1}, tags or {}, folder.path, **more)

    return begin


@pytest.fixture
def lock():
    """Hold the store locked from another process for some seconds."""
    holders = []

    def hold(seconds):
        holders.append(python(LOCK, store.database(), seconds))
        assert holders[-1].stdout.readline() == "locked\n"

    yield hold
    for holder in holders:
        holder.kill()
        holder.wait()


def read(run_id):
    return store.connect().get_run(run_id)


def test_a_run_is_complete_in_the_store(start, folder, runs):
    folder.write_yaml("config.yaml", {"seed": 1})
    (folder.plots / "roc.png").write_bytes(b"png")
    folder.best.write_bytes(b"best")
    folder.last.write_bytes(b"last")
    params = {"seed": 1, "dataset": {"batch_size": 64, "n_train": None, "pid": True}, "model": {"name": "lorentznet"}}
    run = start(params, {"git_sha": "abc", "task": None})
    run.log_metrics({"val/auc": 0.8, "val/loss": math.nan, "train/lr": None, "data/source": "mini"}, step=0)
    run.log_metrics({"val/auc": 0.9, "val/loss": 0.4}, step=1)
    run.finish("FINISHED")

    stored = read(run.run_id)
    assert stored.info.status == "FINISHED"
    assert stored.data.params == {
        "seed": "1",
        "dataset.batch_size": "64",
        "dataset.n_train": "null",
        "dataset.pid": "true",
        "model.name": "lorentznet",
    }
    assert stored.data.metrics == {"val/auc": 0.9, "val/loss": 0.4}
    history = store.connect().get_metric_history(run.run_id, "val/auc")
    assert [(point.step, point.value) for point in history] == [(0, 0.8), (1, 0.9)]
    assert stored.data.tags["mlflow.source.git.commit"] == "abc"
    assert stored.data.tags["folder"] == folder.label
    assert "task" not in stored.data.tags
    files = {path.relative_to(run.artifacts).as_posix() for path in run.artifacts.rglob("*") if path.is_file()}
    assert files == {"config.yaml", "plots/roc.png", "checkpoints/best.ckpt"}
    assert run.artifacts.is_relative_to(runs.resolve() / "mlartifacts" / "hepexp")
    listed = store.connect().list_artifacts(run.run_id, "plots")
    assert [entry.path for entry in listed] == ["plots/roc.png"]


def test_folder_and_run_id_find_each_other(start, folder):
    folder.write_yaml("config.yaml", {})
    run = start()
    assert folder.mlflow_run_id == run.run_id
    assert RunFolder.find(run.run_id) == folder


def test_long_parameters_are_whole(start):
    long = list(range(5000))
    run = start({"five_thousand": "x" * 5000, "list": long, "many": {f"p{i}": i for i in range(250)}})
    stored = read(run.run_id).data.params
    assert stored["five_thousand"] == "x" * 5000
    assert len(stored) == 252
    text = json.dumps(long)
    assert stored["list"] == f"{len(text)} characters: see the artifact parameters.yaml"
    assert yaml.safe_load((run.artifacts / "parameters.yaml").read_text()) == {"list": long}


def test_names_that_mlflow_refuses_are_spelled_otherwise(start):
    run = start({"data": {"classes": {"H->bb": 0, "../../x": 1, "b" * 3000: 2, "τ": 3}}})
    run.log_metrics({"test/auc_H->bb": 0.5, "test/../x": 0.25})
    run.finish("FINISHED")
    data = read(run.run_id).data
    assert data.params == {
        "data.classes.H-_bb": "0",
        "data_classes_______x": "1",
        f"data.classes.{'b' * 237}": "2",
        "data.classes.τ": "3",
    }
    assert data.metrics == {"test/auc_H-_bb": 0.5, "test____x": 0.25}


def test_a_run_that_fails_as_it_begins_is_recorded_as_failed(start, monkeypatch):
    begun = []

    def refuse(run, parameters):
        begun.append(run.run_id)
        raise HepexpError("refused")

    monkeypatch.setattr(MlflowRun, "_log_parameters", refuse)
    with pytest.raises(HepexpError, match="refused"):
        start()
    assert read(begun[0]).info.status == "FAILED"
    assert read(begun[0]).data.tags["reason"] == "HepexpError: refused"


def test_resume_continues_the_same_run(start, folder):
    run = start({"seed": 1, "trainer": {"max_epochs": 2}})
    run.log_metrics({"val/auc": 0.8}, step=0)
    run.finish("KILLED", reason="interrupted")
    assert read(run.run_id).info.status == "KILLED"
    assert read(run.run_id).data.tags["reason"] == "interrupted"
    again = start({"seed": 1, "trainer": {"max_epochs": 9}, "new": "x"}, run_id=folder.mlflow_run_id)
    assert again.run_id == run.run_id
    assert read(run.run_id).info.status == "RUNNING"
    again.log_metrics({"val/auc": 0.9}, step=1)
    again.finish("FINISHED")
    stored = read(run.run_id)
    assert stored.info.status == "FINISHED"
    assert "reason" not in stored.data.tags
    assert stored.data.params == {"seed": "1", "trainer.max_epochs": "2", "new": "x"}
    assert stored.data.tags["resumed.trainer.max_epochs"] == "9"
    assert len(store.connect().get_metric_history(run.run_id, "val/auc")) == 2


def test_an_unknown_run_cannot_be_continued(start):
    with pytest.raises(ConfigError, match="cannot be continued"):
        start(run_id="0" * 32)


def test_a_failed_run_keeps_its_traceback(start):
    run = start()
    run.finish("FAILED", reason="ValueError: boom", traceback="Traceback ...\nValueError: boom\n")
    assert read(run.run_id).info.status == "FAILED"
    assert (run.artifacts / "traceback.txt").read_text().endswith("ValueError: boom\n")


def test_a_locked_store_is_waited_for(start, lock):
    start().finish("FINISHED")
    lock(1.5)
    begin = time.monotonic()
    run = start()
    assert time.monotonic() - begin > 1
    assert read(run.run_id).info.status == "RUNNING"


def test_a_store_that_stays_locked_is_a_clear_line(start, lock):
    run = start()
    lock(60)
    with pytest.raises(HepexpError, match=r"mlflow\.db is locked by another process for 1 s; end that process"):
        start(timeout=1.0)
    with pytest.raises(HepexpError, match="is locked by another process"):
        run.finish("FINISHED", timeout=0.5)


def test_metrics_of_a_locked_moment_are_kept(start, lock):
    run = start()
    lock(1.5)
    begin = time.monotonic()
    run.log_metrics({"val/auc": 0.7}, step=0)
    run.log_metrics({"val/auc": 0.8}, step=1)
    assert time.monotonic() - begin < 0.8  # training goes on meanwhile
    run.finish("FINISHED")
    history = store.connect().get_metric_history(run.run_id, "val/auc")
    assert [point.value for point in history] == [0.7, 0.8]


def test_processes_that_start_at_once_share_a_new_store(runs):
    others = [python(START + "run.log_metrics({'a': 1}); run.finish('FINISHED')") for _ in range(2)]
    assert [other.wait(timeout=60) for other in others] == [0, 0]
    client = store.connect()
    experiment = client.get_experiment_by_name("hepexp")
    assert [run.info.status for run in client.search_runs([experiment.experiment_id])] == ["FINISHED"] * 2
    assert not list(runs.glob("mlflow.db.new*"))


def test_a_run_whose_process_was_killed_becomes_killed(start, folder):
    alive = start()
    victim = python(START + "print(run.run_id, flush=True); import time; time.sleep(60)")
    run_id = victim.stdout.readline().strip()
    assert reap_stale() == []
    with pytest.raises(ConfigError, match="still being written by process"):
        start(run_id=run_id)
    victim.kill()
    victim.wait()
    assert reap_stale() == [run_id]
    assert read(run_id).info.status == "KILLED"
    assert "the process died" in read(run_id).data.tags["reason"]
    assert read(alive.run_id).info.status == "RUNNING"


def test_a_pid_that_was_used_again_is_not_the_same_process(start):
    run = start()
    store.connect().set_tag(run.run_id, "pid_started", "1.0")
    assert reap_stale() == [run.run_id]


@pytest.mark.parametrize("pid", ["-1", "no number"])
def test_a_pid_that_is_none_is_not_taken_for_a_dead_process(pid):
    assert not is_dead({**process_tags(), "pid": pid})


def test_a_run_that_another_process_resumed_meanwhile_is_not_reaped(start, monkeypatch):
    run = start()
    seen = [read(run.run_id)]
    seen[0].data.tags["pid_started"] = "1.0"  # when it was looked for, its process was dead
    monkeypatch.setattr(stale, "search", lambda *_: seen)
    assert reap_stale() == []
    assert read(run.run_id).info.status == "RUNNING"


def test_what_a_killed_process_left_half_written_goes(start, folder):
    run = start()
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    lost = folder.plots / f".roc.{ended.pid}.part.png"
    in_progress = folder.path / f".metrics.{os.getpid()}.part.json"
    in_artifacts = [
        run.artifacts / ".parameters.7.part.yaml",
        run.artifacts / ".model.7.part.x" / "run" / "config.yaml",
    ]
    hidden = run.artifacts / ".notes"
    for file in (lost, in_progress, hidden, *in_artifacts):
        atomic.write_text(file, "half")
    run.finish("KILLED")
    start(run_id=run.run_id)
    assert not lost.exists()
    assert in_progress.exists()
    assert list(run.artifacts.rglob(".*")) == [hidden]  # somebody else's
    lost.write_text("half")
    store.connect().set_tag(run.run_id, "pid_started", "1.0")
    assert reap_stale() == [run.run_id]
    assert not lost.exists()


def test_a_run_on_another_host_is_left_alone(start):
    run = start()
    store.connect().set_tag(run.run_id, "host", "elsewhere")
    store.connect().set_tag(run.run_id, "pid", str(2**22 - 1))
    assert reap_stale() == []


def test_a_file_that_is_not_a_store_is_a_clear_line(start, runs):
    (runs / "mlflow.db").write_text("this is no database" * 100)
    with pytest.raises(HepexpError, match="cannot be written: file is not a database"):
        start()


@pytest.mark.parametrize(
    ("revision", "message"),
    [
        ("181f10493468", "was made by an older version of MLflow; back it up, then run `mlflow db upgrade sqlite:///"),
        (
            "ffffffffffff",
            r"was made by a newer version of MLflow than [\d.]+, which is installed; install that version",
        ),
    ],
)
def test_a_store_of_another_mlflow_is_a_clear_line(start, revision, message):
    with sqlite3.connect(store.database()) as connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (revision,))
        connection.execute("DROP TABLE trace_tags")  # MLflow upgrades a store that lacks a table when it opens it
    before = store.database().read_bytes()
    with pytest.raises(HepexpError, match=message):
        start()
    assert store.database().read_bytes() == before


def test_the_store_is_quiet_and_leaves_nothing_elsewhere(runs, tmp_path, monkeypatch):
    """Neither MLflow's messages while it makes its tables, nor its default ./mlruns."""
    monkeypatch.chdir(tmp_path)
    other = subprocess.run(
        [sys.executable, "-c", START + "run.finish('FINISHED')"], capture_output=True, text=True, check=True
    )
    assert (other.stdout, other.stderr) == ("", "")
    assert os.listdir(tmp_path) == ["runs"]
    assert sorted(os.listdir(runs)) == ["hepexp", "mlflow.db"]


def test_importing_tracking_does_not_import_mlflow():
    code = "import sys, hepexp.tracking.mlflow_store; sys.exit('mlflow' in sys.modules or 'torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


@pytest.fixture(autouse=True)
def _log_level():
    logging.getLogger("hepexp").setLevel(logging.INFO)


def test_a_description_is_renewed_but_not_one_that_somebody_wrote(start):
    def noted():
        return read(run.run_id).data.tags["mlflow.note.content"]

    run = start()
    run.describe("begun")
    run.describe("done")
    assert noted() == "done"
    again = start(run_id=run.run_id)
    again.describe("done")
    again.describe("done again")
    assert noted() == "done again"
    store.connect().set_tag(run.run_id, "mlflow.note.content", "the one for the paper")
    again.describe("new")
    assert noted() == "the one for the paper"


def test_mlflow_says_who_made_a_run(start):
    tags = read(start().run_id).data.tags
    assert tags["mlflow.user"] == psutil.Process().username()
    assert tags["mlflow.source.name"] == "hepexp"


def test_the_data_set_is_named_once_whatever_resumes(start, folder):
    about = {"source": "mini", "how": "hepexp data generate qg", "n_train": 5, "files": [{"name": "a", "sha256": "b"}]}
    run = start()
    run.log_dataset("qg", about)
    again = start(run_id=run.run_id)
    again.log_dataset("qg", about)
    (found,) = again.client.get_run(run.run_id).inputs.dataset_inputs
    assert found.dataset.name == "qg"
    assert json.loads(found.dataset.profile) == {"n_train": 5, "files": 1}
    assert [(tag.key, tag.value) for tag in found.tags] == [("mlflow.data.context", "mini")]
    other = start()
    other.log_dataset("qg", {**about, "files": []})
    (changed,) = other.client.get_run(other.run_id).inputs.dataset_inputs
    assert changed.dataset.digest != found.dataset.digest


def test_what_the_database_says_is_the_reason():
    full = "(raised as a result of autoflush)\n(sqlite3.OperationalError) database or disk is full\n[SQL: INSERT ...]"
    assert store.reason(ValueError(full)) == "(sqlite3.OperationalError) database or disk is full"
    assert store.reason(ValueError("first line\nsecond")) == "first line"
