"""Boosted trees as any other model of the command: trained, resumed, evaluated, exported; bad files refused."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import torch

from tests.commands.shell import hepexp, one_line

pytest.importorskip("xgboost")
SMALL = (
    "model=boosted_trees",
    "data=lhco",
    "model.n_trees=8",
    "model.depth=3",
    "trainer.max_epochs=4",
    "trainer.patience=null",
    "data.n_train=600",
    "data.n_val=200",
    "data.n_test=200",
)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trees")
    done = hepexp(folder, "train", *SMALL, "trainer.keep=last")
    assert done.returncode == 0, done.stderr
    return folder


def metrics(folder: Path) -> dict:
    return json.loads((folder / "runs" / "latest" / "metrics.json").read_text())


def test_each_epoch_grows_its_part_and_the_loss_falls(trained: Path):
    rows = json.loads((trained / "runs" / "latest" / "history.json").read_text())
    losses = [row["train/loss"] for row in rows]
    assert len(losses) == 4
    assert losses == sorted(losses, reverse=True)
    state = torch.load(trained / "runs" / "latest" / "checkpoints" / "best.ckpt", weights_only=True)["state_dict"]
    assert state["model.n_grown"] == 8
    assert metrics(trained)["test/auc"] > 0.8


def test_evaluate_and_predict_give_the_scores_of_the_run(trained: Path):
    before = pq.read_table(trained / "runs" / "latest" / "predictions.parquet")
    done = hepexp(trained, "evaluate", "latest")
    assert done.returncode == 0, done.stderr
    assert f"{metrics(trained)['test/auc']:.3f}" in done.stdout
    done = hepexp(trained, "compare", "latest")
    assert done.returncode == 0, done.stderr
    assert before["score_signal"].to_numpy().std() > 0


def test_an_exported_file_has_the_scores_of_the_run(trained: Path):
    pytest.importorskip("onnxscript")
    done = hepexp(trained, "export", "latest", "--out", "trees.onnx")
    assert done.returncode == 0, done.stderr  # the command itself compares them


def test_an_interrupted_training_resumes_to_the_same_trees(trained: Path, tmp_path: Path):
    done = hepexp(tmp_path, "train", *SMALL, "trainer.keep=last", "trainer.max_epochs=4", "model.subsample=0.5")
    assert done.returncode == 0, done.stderr
    whole = torch.load(tmp_path / "runs" / "latest" / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
    half = hepexp(tmp_path, "train", *SMALL, "trainer.keep=last", "trainer.time_limit=0.001s", "model.subsample=0.5")
    assert half.returncode == 0, half.stderr
    part = torch.load(tmp_path / "runs" / "latest" / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
    grown = int(part["model.n_grown"])
    assert grown < 8
    for name in ("feature", "threshold", "leaf"):
        assert torch.equal(part[f"model.{name}"][:grown], whole[f"model.{name}"][:grown])


def test_trees_of_a_stranger_are_refused_in_a_line(trained: Path, tmp_path: Path):
    path = trained / "runs" / "latest" / "checkpoints" / "best.ckpt"
    for change, message in (
        ({"model.feature": lambda x: x + 99}, "features that are not among the 4"),
        ({"model.leaf": lambda x: x[:3]}, "model.leaf has shape (3, 8) there, (8, 8) in this model"),
        ({"model.feature": lambda x: x.float()}, "holds real numbers"),
    ):
        content = torch.load(path, weights_only=True)
        content["state_dict"] |= {name: of(content["state_dict"][name]) for name, of in change.items()}
        torch.save(content, tmp_path / "bad.ckpt")
        done = hepexp(trained, "evaluate", "latest", "--checkpoint", str(tmp_path / "bad.ckpt"))
        assert message in one_line(done, 2)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("optimizer.lr=0.1",), "optimizer.lr=0.1 has no effect: boosted trees have no optimiser; see model.shrinkage"),
        (("trainer.ema=0.9",), "trainer.ema must be null with boosted trees, got 0.9"),
        (("loss=evidential",), "boosted trees cannot be grown for Evidential: choose loss=cross_entropy or loss=mse"),
        (("loss.label_smoothing=0.1",), "boosted trees need loss.label_smoothing=0"),
        (("loss=mse", "data.targets=[mjj,dm]"), "boosted trees predict one real number of an example"),
    ],
)
def test_what_trees_cannot_do_is_refused_in_a_line(tmp_path: Path, words: tuple[str, ...], message: str):
    done = hepexp(tmp_path, "train", *SMALL, *words)
    assert message in one_line(done, 2)
    assert not list(tmp_path.glob("runs/hepexp/*"))
