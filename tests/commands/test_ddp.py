"""Two processes train as one with the same global batch."""

import json

import pytest

from tests.commands.shell import SMALL, hepexp

# batch norms, whose statistics are those of all processes in training, and before each validation
SMALL_PCNN = ("model=pcnn", "model.n_first=8", "model.stages=[8]", "model.n_hidden=8", "model.dropout=0.0")
EXACT = (*SMALL_PCNN, "trainer.accelerator=cpu", "trainer.precision=64-true", "trainer.gradient_clip=1.0", *SMALL[1:])


def history(folder):
    (file,) = folder.glob("runs/hepexp/*/history.json")
    return json.loads(file.read_text())


@pytest.fixture(scope="module")
def single(tmp_path_factory):
    folder = tmp_path_factory.mktemp("single")
    assert hepexp(folder, "train", *EXACT).returncode == 0
    return folder


def test_two_processes_follow_the_loss_of_one(single, tmp_path):
    two = ("trainer.strategy=ddp", "trainer.devices=2")
    result = hepexp(tmp_path, "train", *EXACT, *two)
    assert result.returncode == 0, result.stderr
    for one, both in zip(history(single), history(tmp_path), strict=True):
        assert both["train/loss"] == pytest.approx(one["train/loss"], rel=1e-9)
        assert both["val/loss"] == pytest.approx(one["val/loss"], rel=1e-6)
        assert both["val/auc"] == one["val/auc"]
    (run,) = [file.parent for file in tmp_path.glob("runs/hepexp/*/metrics.json")]  # one record
    metrics = json.loads((run / "metrics.json").read_text())
    (alone,) = single.glob("runs/hepexp/*/metrics.json")
    assert metrics["test/auc"] == json.loads(alone.read_text())["test/auc"]


def test_a_contrastive_loss_compares_the_examples_of_all_processes(tmp_path):
    words = (
        *EXACT,
        "trainer.max_epochs=1",
        "dataset.n_train=128",
        "dataset.n_val=131",  # batches of 64, 64 and 3, of which a process has two and the other one
        "loss=supervised_contrastive",
        "loss.alpha=0.5",
    )
    found = []
    for devices in (1, 2):
        folder = tmp_path / str(devices)
        folder.mkdir()
        result = hepexp(folder, "train", *words, "trainer.strategy=ddp", f"trainer.devices={devices}")
        assert result.returncode == 0, result.stderr
        names = [f"train/{name}" for name in ("loss", "contrastive", "fidelity")]
        found.append([history(folder)[0][name] for name in (*names, "val/loss")])
    assert found[1] == pytest.approx(found[0], rel=1e-7)  # in validation a loss is averaged in single precision


def test_a_multirun_of_distributed_trainings(tmp_path):
    result = hepexp(tmp_path, "train", "-m", *SMALL[:-1], "trainer=ddp", "trainer.max_epochs=1", "seed=1,2")
    assert result.returncode == 0, result.stderr
    assert len(list(tmp_path.glob("runs/hepexp/*/metrics.json"))) == 2
