"""A runs folder of a stranger may name any place on this machine: nothing outside it is written or deleted."""

import os
import shutil
import sqlite3
from contextlib import closing

import pytest

from hepexp.errors import ConfigError, HepexpError
from hepexp.tracking import store, write_guard
from hepexp.tracking.lookup import database
from hepexp.tracking.mlflow_store import MlflowRun
from hepexp.tracking.preflight import check_recordable
from hepexp.tracking.run_folder import RunFolder
from hepexp.tracking.stale import reap_stale


@pytest.fixture
def victim(tmp_path):
    """A folder of the user's own, which must stay as it is."""
    folder = tmp_path / "victim"
    for name in (".ssh/id", ".bashrc", "traceback.txt", "config.yaml", ".a.7.part.txt", "model/MLmodel"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"the user's own {name}")
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    yield folder
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


@pytest.fixture
def run(existing_store):
    folder = RunFolder.create("hepexp", "pfn")
    folder.write_yaml("config.yaml", {"seed": 1})
    run = MlflowRun.start("hepexp", "pfn", {"seed": 1}, {}, folder.path)
    run.finish("KILLED")
    return run


def say(statement, *values):
    with closing(sqlite3.connect(database())) as connection, connection:
        connection.execute(statement, values)


def by_path(run, victim):
    say("UPDATE runs SET artifact_uri = ?", victim.as_uri())


def by_way_up(run, victim):
    say("UPDATE runs SET artifact_uri = ?", (store.artifacts() / "hepexp/../../../victim").as_uri())


def by_bucket(run, victim):
    say("UPDATE runs SET artifact_uri = 's3://bucket/victim'")


def by_whole_runs_folder(run, victim):
    say("UPDATE runs SET artifact_uri = ?", store.artifacts().parent.as_uri())


def by_link_above(run, victim):
    folder = store.artifacts() / "hepexp" / run.run_id
    shutil.rmtree(folder)
    folder.symlink_to(victim)


def by_link_of_all(run, victim):
    shutil.rmtree(store.artifacts())
    store.artifacts().symlink_to(victim)


def by_link_inside(run, victim):
    (run.artifacts / "plots").symlink_to(victim)


def by_linked_file(run, victim):
    (run.artifacts / "config.yaml").unlink()
    (run.artifacts / "config.yaml").symlink_to(victim / ".bashrc")


WAYS = [
    by_path,
    by_way_up,
    by_bucket,
    by_whole_runs_folder,
    by_link_above,
    by_link_of_all,
    by_link_inside,
    by_linked_file,
]


@pytest.mark.parametrize("way", WAYS)
def test_artifacts_elsewhere_are_neither_written_nor_cleaned_nor_sent(run, victim, way, caplog):
    way(run, victim)
    with pytest.raises(ConfigError, match=r"not below .*/runs/mlartifacts|out of .*/runs, where nothing is written"):
        MlflowRun.start("hepexp", "pfn", {"seed": 1}, {}, run.folder, run_id=run.run_id)
    assert store.connect().get_run(run.run_id).info.status == "KILLED"
    with pytest.raises(ConfigError):
        MlflowRun.of(run.run_id, run.folder)
    with pytest.raises(HepexpError):
        write_guard.artifacts(store.connect().get_run(run.run_id).info.artifact_uri)
    say("UPDATE runs SET status = 'RUNNING'")
    say("UPDATE tags SET value = '1.0' WHERE key = 'pid_started'")
    assert reap_stale() == [run.run_id]
    assert [record.message.partition(" run ")[0] for record in caplog.records] == ["nothing was tidied up after"]


@pytest.mark.parametrize("folder", ["{victim}", "../victim", "hepexp/link", ""])
def test_a_run_folder_elsewhere_is_neither_cleaned_nor_found(run, runs, victim, folder, caplog):
    (runs / "hepexp" / "link").symlink_to(victim)
    say("UPDATE tags SET value = ? WHERE key = 'folder'", folder.format(victim=victim))
    with pytest.raises(ConfigError, match="is not below"):
        RunFolder.find(run.run_id)
    say("UPDATE runs SET status = 'RUNNING'")
    say("UPDATE tags SET value = '1.0' WHERE key = 'pid_started'")
    assert reap_stale() == [run.run_id]
    assert len(caplog.records) == 1


def test_a_training_in_an_experiment_kept_elsewhere_is_refused(existing_store, runs, victim):
    store.connect().create_experiment("mine", victim.as_uri())
    for begin in (
        lambda: check_recordable("mine", 60.0),
        lambda: MlflowRun.start("mine", "a", {}, {}, runs / "mine" / "a"),
    ):
        with pytest.raises(ConfigError, match=r"keeps artifacts at file://.*/victim, which is not below"):
            begin()
    experiment = store.connect().get_experiment_by_name("mine").experiment_id
    assert not store.connect().search_runs([experiment])


def test_links_that_lead_out_are_not_followed(run, runs, victim):
    (runs / "latest").symlink_to(victim)
    with pytest.raises(ConfigError, match=r"latest leads out of .*/runs, to .*/victim"):
        RunFolder.find("latest")
    (runs / "linked").symlink_to(victim)
    with pytest.raises(ConfigError, match="linked leads out of"):
        RunFolder.create("linked", "pfn")
    (run.folder / "log.txt").symlink_to(victim / ".bashrc")
    with pytest.raises(ConfigError, match=r"log.txt is a link to .*\.bashrc, out of"):
        write_guard.refuse_links_out(run.folder)
    os.replace(runs / "mlflow.db", victim.parent / "theirs.db")
    (runs / "mlflow.db").symlink_to(victim.parent / "theirs.db")
    with pytest.raises(ConfigError, match=r"mlflow.db leads out of"):
        store.connect()


def test_links_within_the_runs_folder_are_followed(run, runs):
    RunFolder(run.folder).point_latest()
    assert RunFolder.find("latest").path == run.folder
    (run.folder / "first.ckpt").symlink_to("checkpoints/best.ckpt")
    write_guard.refuse_links_out(run.folder)
