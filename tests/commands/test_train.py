"""`hepexp train` leaves a complete record, which `evaluate` and `predict` read."""

import json
import sqlite3

import numpy as np
import pyarrow.parquet as pq
import pytest
from omegaconf import OmegaConf

from tests.commands.shell import SMALL, hepexp, one_line, started


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder in which one training was run, as a shell does."""
    folder = tmp_path_factory.mktemp("home")
    result = started(folder, "train", *SMALL, "experiment=tests", "name=first", "tags.study=record")
    assert result.returncode == 0, result.stderr
    return folder


@pytest.fixture(scope="module")
def run(home):
    return (home / "runs" / "latest").resolve()


def test_a_collapsed_embedding_is_said_and_recorded(tmp_path):
    pulled = ("loss=pair", "loss.margin=1e-4", "optimizer.lr=1e-2", "dataset.batch_size=32", "trainer.max_epochs=3")
    result = hepexp(tmp_path, "train", *SMALL, *pulled)
    assert result.returncode == 0, result.stderr
    assert "test: the embedding has collapsed" in result.stderr
    (run,) = tmp_path.glob("runs/hepexp/*/metrics.json")
    assert json.loads(run.read_text())["test/collapsed_dimensions"] == 1
    assert "the embedding has collapsed" in (run.parent / "log.txt").read_text()
    for split in ("test", "val"):
        again = hepexp(tmp_path, "evaluate", "latest", "--split", split)
        assert again.returncode == 0, again.stderr
        assert f"{split}: the embedding has collapsed" in again.stderr


def test_the_folder_has_every_file_of_the_record(run):
    assert run.parent.name == "tests"
    assert run.name.endswith("_first")
    files = {path.relative_to(run).as_posix() for path in run.rglob("*") if path.is_file()}
    assert files >= {
        "config.yaml", "overrides.yaml", "environment.json", "metrics.json", "predictions.parquet", "log.txt",
        "checkpoints/best.ckpt", "checkpoints/last.ckpt", "history.json", "plots/roc.png", "plots/scores.png",
        "plots/confusion_matrix.png", "plots/learning_curves.png",
    }  # fmt: skip


def test_metrics_are_flat_with_an_error_each(run):
    metrics = json.loads((run / "metrics.json").read_text())
    for key in ("accuracy", "auc", "loss", "rejection_0.3", "rejection_0.5"):
        assert f"test/{key}" in metrics
        assert f"test/{key}_err" in metrics
    assert metrics["data/source"] == "mini"
    assert metrics["train/epochs"] == 2
    assert metrics["model/parameters"] == 82_458
    assert metrics["model/flops"] > 1e5
    assert metrics["train/examples_per_second"] > 0
    assert 0.7 < metrics["test/auc"] < 0.95


def test_metrics_can_be_made_again_from_the_predictions(run):
    from sklearn.metrics import roc_auc_score

    table = pq.read_table(run / "predictions.parquet")
    assert table.column_names == ["index", "label", "score_gluon", "score_quark"]
    assert len(table) == 300
    metrics = json.loads((run / "metrics.json").read_text())
    assert roc_auc_score(table["label"], table["score_quark"]) == pytest.approx(metrics["test/auc"], abs=1e-12)


def test_the_config_is_resolved_and_the_environment_known(run):
    config = OmegaConf.load(run / "config.yaml")
    assert config.dataset.n_train == 512
    assert config.choices == {
        "dataset": "qg",
        "model": "pfn",
        "loss": "cross_entropy",
        "backend": "statevector",
        "optimizer": "adamw",
        "trainer": "quick",
        "evaluation": "default",
    }
    assert "${" not in (run / "config.yaml").read_text()
    environment = json.loads((run / "environment.json").read_text())
    assert environment["packages"]["torch"]
    assert environment["data"]["files"][0]["sha256"]


def test_mlflow_has_the_same_run(home, run):
    with sqlite3.connect(home / "runs" / "mlflow.db") as store:
        ((uuid, status, name),) = store.execute("select run_uuid, status, name from runs").fetchall()
        metrics = dict(store.execute("select key, value from latest_metrics"))
        steps = store.execute("select step from metrics where key like 'test/%' or key = 'train/seconds'").fetchall()
        parameters = dict(store.execute("select key, value from params"))
        tags = dict(store.execute("select key, value from tags"))
    assert (status, name) == ("FINISHED", "first")
    ours = json.loads((run / "metrics.json").read_text())
    assert metrics["test/auc"] == ours["test/auc"]
    assert metrics["best/val/auc"] == ours["val/auc"]
    assert {step for (step,) in steps} == {0}  # one value of the run, no curve
    assert "epoch" not in metrics
    assert parameters["model.name"] == "pfn"
    assert parameters["dataset.n_train"] == "512"
    assert not [key for key in parameters if key.startswith("choices.")]
    assert tags["mlflow.note.content"].startswith("    hepexp train model=pfn dataset=qg")
    assert tags["study"] == "record"
    assert tags["data_source"] == "mini"
    (artifacts,) = (home / "runs" / "mlartifacts").glob(f"**/{uuid}/artifacts")
    assert (artifacts / "plots" / "roc.png").read_bytes() == (run / "plots" / "roc.png").read_bytes()


def test_evaluate_finds_what_the_run_recorded(home, run):
    result = hepexp(home, "evaluate", "latest", "--out", "again")
    assert result.returncode == 0, result.stderr
    again = json.loads((home / "again" / "metrics.json").read_text())
    recorded = json.loads((run / "metrics.json").read_text())
    assert {k: v for k, v in again.items() if k.startswith("test/")} == {
        k: v for k, v in recorded.items() if k.startswith("test/")
    }


def test_predict_scores_exported_jets_as_the_test_did(home, run):
    exported = hepexp(home, "data", "export", "qg", "--split", "test", "--format", "energyflow", "--out", "qg.npz")
    assert exported.returncode == 0, exported.stderr
    result = hepexp(home, "predict", "latest", "--input", "qg.npz", "--out", "scores.parquet")
    assert result.returncode == 0, result.stderr
    scores = pq.read_table(home / "scores.parquet")
    recorded = pq.read_table(run / "predictions.parquet")
    assert len(scores) == 2000
    assert np.array_equal(np.load(home / "qg.npz")["y"], scores["label"].to_numpy())
    # the run tested 300 of the same 2,000 jets
    wanted = np.sort(recorded["score_quark"].to_numpy())
    found = np.sort(scores["score_quark"].to_numpy())
    nearest = found[np.searchsorted(found, wanted).clip(0, len(found) - 1)]
    below = found[(np.searchsorted(found, wanted) - 1).clip(0)]
    assert np.minimum(abs(nearest - wanted), abs(below - wanted)).max() < 1e-6


def test_a_checkpoint_of_another_model_is_refused(home):
    other = hepexp(home, "train", *SMALL, "model.phi_sizes=[8,8]", "trainer.max_epochs=1", "name=other")
    assert other.returncode == 0, other.stderr
    checkpoint = (home / "runs" / "latest").resolve() / "checkpoints" / "best.ckpt"
    (first,) = (home / "runs" / "tests").glob("*_first")
    message = one_line(hepexp(home, "evaluate", str(first), "--checkpoint", str(checkpoint)), 2)
    assert "is of another model" in message


def test_weights_of_a_run_are_evaluated_with_no_epochs(home, run):
    weights = run / "checkpoints" / "best.ckpt"
    result = hepexp(home, "train", *SMALL, f"model.weights={weights}", "trainer.max_epochs=0", "name=weights")
    assert result.returncode == 0, result.stderr
    metrics = json.loads((home / "runs" / "latest" / "metrics.json").read_text())
    assert metrics["test/auc"] == json.loads((run / "metrics.json").read_text())["test/auc"]
    assert metrics["train/epochs"] == 0
