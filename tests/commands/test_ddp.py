"""Two processes train as one with the same global batch."""

import json

import pytest

from tests.commands.shell import SMALL, hepexp

EXACT = ("model=pfn", "trainer.accelerator=cpu", "trainer.precision=64-true", "trainer.gradient_clip=1.0", *SMALL[1:])


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


def test_a_multirun_of_distributed_trainings(tmp_path):
    result = hepexp(tmp_path, "train", "-m", *SMALL[:-1], "trainer=ddp", "trainer.max_epochs=1", "seed=1,2")
    assert result.returncode == 0, result.stderr
    assert len(list(tmp_path.glob("runs/hepexp/*/metrics.json"))) == 2
