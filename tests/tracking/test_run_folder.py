import math
import os
import re
import sqlite3
from multiprocessing import get_context

import numpy as np
import pytest

from hepexp.atomic import atomic, write_text
from hepexp.errors import ConfigError, DataError, HepexpError
from hepexp.tracking.run_folder import RunFolder


def test_folder_is_named_by_experiment_time_and_name(runs):
    run = RunFolder.create("top", "lorentznet_qg")
    assert run.path.parent == (runs / "top").resolve()
    assert re.fullmatch(r"\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d_lorentznet_qg", run.path.name)


def test_latest_is_the_run_that_was_made_so_last_and_a_folder_that_is_taken_back_leaves_it(runs):
    run = RunFolder.create("top", "a")
    assert not (runs / "latest").exists()
    run.point_latest()
    RunFolder.create("other", "b").remove()
    assert sorted(p.name for p in runs.iterdir()) == ["latest", "top"]
    assert (runs / "latest").resolve() == run.path
    assert not os.path.isabs(os.readlink(runs / "latest"))  # runs/ can be moved as a whole


def _create(n):
    made = [RunFolder.create("hepexp", "same") for _ in range(n)]
    made[-1].point_latest()
    return [str(run.path) for run in made]


def test_runs_that_start_in_the_same_second_get_different_folders(runs):
    with get_context("fork").Pool(4) as pool:
        paths = [path for paths in pool.map(_create, [25] * 4) for path in paths]
    assert len(set(paths)) == 100
    assert str((runs / "latest").resolve()) in paths
    assert sorted(p.name for p in runs.iterdir()) == ["hepexp", "latest"]


@pytest.mark.parametrize("name", ["", "a/b", "..", ".hidden", "x" * 200, "a b"])
def test_a_name_that_cannot_be_a_folder_is_refused(name):
    with pytest.raises(ConfigError, match="name must be"):
        RunFolder.create("hepexp", name)


@pytest.mark.parametrize("name", ["mlartifacts", "sweeps", "Sweeps", "latest", "data", "mlflow.db"])
def test_experiment_cannot_take_what_else_lies_in_the_runs_folder(name, runs):
    with pytest.raises(ConfigError, match=f"experiment={name} is reserved"):
        RunFolder.create(name, "a")
    assert not runs.exists()


def test_a_runs_folder_that_cannot_be_made_is_one_line(runs):
    runs.write_text("a file where the folder should be")
    with pytest.raises(HepexpError, match="HEPEXP_RUNS_DIR"):
        RunFolder.create("hepexp", "a")


def test_find_by_folder_by_label_and_latest(runs, monkeypatch):
    run = RunFolder.create("hepexp", "pfn")
    run.point_latest()
    run.write_yaml("config.yaml", {"seed": 1, "choices": {}})
    for text in (str(run.path), run.label, "latest"):
        assert RunFolder.find(text) == run
    monkeypatch.chdir(run.path.parent)
    assert RunFolder.find(run.path.name) == run
    assert RunFolder.find(run.path.name).config.seed == 1


def test_find_says_what_was_searched_and_what_is_close(runs):
    with pytest.raises(ConfigError, match="start one with `hepexp train`"):
        RunFolder.find("latest")
    run = RunFolder.create("hepexp", "pfn")
    with pytest.raises(ConfigError, match=r"no config\.yaml"):
        RunFolder.find(str(run.path))
    run.point_latest()
    run.write_yaml("config.yaml", {})
    with pytest.raises(ConfigError, match=f"did you mean {re.escape(run.label)}"):
        RunFolder.find(run.label[:-1])
    with pytest.raises(ConfigError, match="no MLflow run"):
        RunFolder.find("0" * 32)
    run.path.rename(run.path.with_name("elsewhere"))
    with pytest.raises(ConfigError, match="no longer exists"):
        RunFolder.find("latest")


def test_find_by_run_id_on_a_file_that_is_not_a_store(runs):
    runs.mkdir()
    sqlite3.connect(runs / "mlflow.db").close()
    with pytest.raises(ConfigError, match="no MLflow run"):
        RunFolder.find("0" * 32)


def test_metrics_are_the_same_after_writing_and_nan_is_null():
    run = RunFolder.create("hepexp", "a")
    assert run.metrics == {}
    run.write_json("metrics.json", {"test/auc": np.float64(1 / 3), "test/rejection_0.3": math.inf, "n": np.int64(2)})
    assert run.metrics == {"test/auc": 1 / 3, "test/rejection_0.3": None, "n": 2}


def test_small_numbers_in_the_config_stay_numbers():
    run = RunFolder.create("hepexp", "a")
    run.write_yaml("config.yaml", {"choices": {}, "lr": 1e-5, "text": "1e-5", "list": [1, None]})
    assert run.config == {"choices": {}, "lr": 1e-5, "text": "1e-5", "list": [1, None]}


def test_a_failed_write_keeps_the_former_file_and_is_named(tmp_path):
    file = tmp_path / "metrics.json"
    write_text(file, "good")

    def write_on_a_full_disk():
        with atomic(file) as temporary:
            temporary.write_text("ba")
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left") as refused:
        write_on_a_full_disk()
    assert refused.value.filename == str(file)
    assert file.read_text() == "good"
    assert list(tmp_path.iterdir()) == [file]


def test_a_file_of_a_record_that_cannot_be_read_is_named(runs):
    run = RunFolder.create("hepexp", "a")
    (run.path / "metrics.json").write_text('{"test/auc": 0.')
    with pytest.raises(DataError, match=r"metrics.json is empty, truncated or damaged"):
        _ = run.metrics
    (run.path / "environment.json").write_text("[1]")
    with pytest.raises(DataError, match=r"environment.json is not what .* expected keys and values, found list"):
        _ = run.environment
    (run.path / "history.json").mkdir()
    with pytest.raises(DataError, match=r"history.json is a folder, not a regular file"):
        _ = run.history


def test_a_latest_run_of_another_user_is_refused_in_a_line(runs, monkeypatch):
    run = RunFolder.create("hepexp", "a")
    run.write_yaml("config.yaml", {"seed": 1, "choices": {}})
    run.point_latest()
    assert RunFolder.find("latest").path.name.endswith("_a")
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(ConfigError, match="latest cannot be read: permission denied"):
        RunFolder.find("latest")
