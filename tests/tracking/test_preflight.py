"""A training that could not be recorded is refused before anything of its record is made."""

import os
import resource

import pytest

from hepexp.errors import ConfigError, HepexpError
from hepexp.tracking import store
from hepexp.tracking.preflight import RECORD, check_recordable


def test_a_deleted_experiment_is_a_clear_line(existing_store):
    check_recordable("hepexp", 60.0)
    client = store.connect()
    client.delete_experiment(client.get_experiment_by_name("hepexp").experiment_id)
    with pytest.raises(ConfigError, match=r"was deleted in MLflow; .*mlflow experiments restore"):
        check_recordable("hepexp", 60.0)


@pytest.mark.skipif(not os.path.isdir("/sys/kernel"), reason="no file system that nobody may write to")
def test_a_folder_that_cannot_be_written_is_a_clear_line(monkeypatch):
    monkeypatch.setenv("HEPEXP_RUNS_DIR", "/sys/kernel/runs")
    with pytest.raises(HepexpError, match=r"cannot be recorded in /sys/kernel/runs: .*; .* set \$HEPEXP_RUNS_DIR"):
        check_recordable("hepexp", 60.0)


def test_a_disk_without_room_for_a_record_is_a_clear_line(runs, existing_store):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (RECORD // 2, before[1]))
    try:
        with pytest.raises(HepexpError, match=r"cannot be recorded in .*; free some space"):
            check_recordable("hepexp", 60.0)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert [path.name for path in runs.iterdir()] == ["mlflow.db"]


def test_each_disk_is_filled_once(existing_store, monkeypatch):
    flushed, fsync = [], os.fsync
    monkeypatch.setattr(os, "fsync", lambda file: (flushed.append(os.fstat(file).st_size), fsync(file)))
    check_recordable("hepexp", 60.0)
    assert flushed == [RECORD]
