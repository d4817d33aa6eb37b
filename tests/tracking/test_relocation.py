"""A runs folder that was moved or copied is used where it is now, and nothing is written to where it was."""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from hepexp.tracking import relocation, store, write_guard
from hepexp.tracking.lookup import database
from hepexp.tracking.mlflow_store import MlflowRun
from hepexp.tracking.registry import Judgement, register
from hepexp.tracking.run_folder import RunFolder


@pytest.fixture
def label(existing_store):
    """A run with a registered model."""
    folder = RunFolder.create("hepexp", "pfn")
    folder.write_yaml("config.yaml", {"seed": 1})
    folder.point_latest()
    run = MlflowRun.start("hepexp", "pfn", {"seed": 1}, {}, folder.path)
    (run.artifacts / "model").mkdir(parents=True)
    (run.artifacts / "model" / "MLmodel").write_text("flavors: {}\n")
    run.finish("KILLED")
    register(run.client, run.run_id, "tagger", Judgement("val/auc", 0.8, "max", "qg mini"), run.insist)
    return folder.label


def locations():
    """Whatever the store keeps that names a place on disk."""
    with closing(sqlite3.connect(database())) as connection:
        text = "\n".join(connection.iterdump())
    return [line for line in text.splitlines() if "/mlartifacts/" in line]


def files(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", ["elsewhere", "why? 100% #1 & ünï"])
@pytest.mark.parametrize("is_copy", [False, True])
def test_a_run_is_resumed_where_the_folder_is_now(label, runs, tmp_path, monkeypatch, caplog, name, is_copy):
    now = tmp_path / "deeper" / name
    shutil.copytree(runs, now, symlinks=True)
    if not is_copy:
        shutil.rmtree(runs)
    before = files(runs)
    monkeypatch.setenv("HEPEXP_RUNS_DIR", str(now))
    folder = RunFolder.find("latest")
    assert folder.path == now / label
    run = MlflowRun.start("hepexp", "pfn", {"seed": 1}, {}, folder.path, run_id=folder.mlflow_run_id)
    folder.write_text("notes.txt", "resumed")
    run.finish("FINISHED")
    client = store.connect()
    assert "notes.txt" in [entry.path for entry in client.list_artifacts(run.run_id)]
    assert (now / "mlartifacts" / "hepexp" / run.run_id / "artifacts" / "notes.txt").is_file()
    version = client.get_model_version_by_alias("tagger", "best")
    assert [entry.path for entry in client.list_artifacts(version.run_id, "model")] == ["model/MLmodel"]
    assert client.get_experiment_by_name("hepexp").artifact_location == (now / "mlartifacts" / "hepexp").as_uri()
    assert files(runs) == before  # none, when it was moved
    assert runs.exists() == is_copy
    said = [record.message for record in caplog.records if str(now) in record.message]
    assert said == [f"the runs folder was at {runs}; its MLflow store now keeps artifacts in {now / 'mlartifacts'}"]
    assert locations()
    assert not [line for line in locations() if runs.as_uri() + "/" in line]


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("file:///old/mlartifacts/top/1/artifacts", "file:///a%20b/runs/mlartifacts/top/1/artifacts"),
        ("/old/mlartifacts/7", "/a b/runs/mlartifacts/7"),
        ("file:///mlartifacts/old/mlartifacts/top", "file:///mlartifacts/old/mlartifacts/top"),
        ("file:///old/mlartifacts2/top", "file:///old/mlartifacts2/top"),
        ("file:///elsewhere/mlartifacts/mine", "file:///elsewhere/mlartifacts/mine"),
        ("file:///data/chosen/by/hand", "file:///data/chosen/by/hand"),
        ("mlflow-artifacts:/old/mlartifacts/top", "mlflow-artifacts:/old/mlartifacts/top"),
        ("s3://bucket/mlartifacts/top", "s3://bucket/mlartifacts/top"),
        ("runs:/1/model", "runs:/1/model"),
        (None, None),
    ],
)
def test_only_what_lay_below_the_former_place_is_rebased(location, expected):
    assert relocation.here(location, Path("/old/mlartifacts"), Path("/a b/runs/mlartifacts")) == expected


def test_an_experiment_that_the_user_keeps_elsewhere_stays_there(label, runs, tmp_path, monkeypatch):
    places = {"mine": (tmp_path / "elsewhere" / "mlartifacts" / "mine").as_uri(), "far": "s3://bucket/mlartifacts/far"}
    for name, place in places.items():
        store.connect().create_experiment(name, place)
    now = tmp_path / "now"
    for folder in (runs, now):  # opened where it is, and after a move
        if folder == now:
            monkeypatch.setenv("HEPEXP_RUNS_DIR", str(runs.rename(now)))
        client = store.connect()
        assert {name: client.get_experiment_by_name(name).artifact_location for name in places} == places
    assert client.get_experiment_by_name("hepexp").artifact_location == (now / "mlartifacts" / "hepexp").as_uri()


def test_runs_whose_files_were_not_copied_along_stay_where_they_are(label, runs, tmp_path, monkeypatch):
    now = tmp_path / "now"
    now.mkdir()
    shutil.copy(runs / "mlflow.db", now)
    monkeypatch.setenv("HEPEXP_RUNS_DIR", str(now))
    client = store.connect()
    (run,) = client.search_runs([client.get_experiment_by_name("hepexp").experiment_id])
    assert "model" in [entry.path for entry in client.list_artifacts(run.info.run_id)]
    assert client.get_experiment_by_name("hepexp").artifact_location == (now / "mlartifacts" / "hepexp").as_uri()


def test_a_folder_seen_under_two_mount_points_is_not_rewritten(label, runs, tmp_path, monkeypatch):
    other = tmp_path / "other"
    other.mkdir()
    # As in a bind mount, both names are real folders: what tells them apart from copies is that they are one folder.
    monkeypatch.setattr(relocation.os.path, "samefile", lambda *both: {*map(str, both)} <= {str(runs), str(other)})
    shutil.copy(runs / "mlflow.db", other)
    shutil.copytree(runs / "mlartifacts", other / "mlartifacts")
    before = locations()
    for folder in (other, runs):
        monkeypatch.setenv("HEPEXP_RUNS_DIR", str(folder))
        store.connect()
        assert locations() == before
        place = write_guard.artifact_folder(store.connect().get_experiment_by_name("hepexp").artifact_location)
        assert place == folder / "mlartifacts" / "hepexp"
    assert relocation.recorded(other / "mlflow.db") == runs / "mlartifacts"  # where new experiments go
