"""Every task of the documents is one config that runs through test and record, beside its published figures."""

import json

import pytest
from omegaconf import OmegaConf

from hepexp.config.paths import conf_dir
from tests.commands.shell import hepexp

SMALL = ("trainer=quick", "trainer.max_epochs=1", "dataset.n_train=64", "dataset.n_val=64", "dataset.n_test=64")
TASKS = sorted(file.stem for file in (conf_dir() / "task").glob("*.yaml"))


@pytest.mark.parametrize("task", TASKS)
def test_a_task_trains_and_compares_itself_with_the_document(tmp_path, task):
    result = hepexp(tmp_path, "train", f"task={task}", "dataset.batch_size=32", *SMALL)
    assert result.returncode == 0, result.stderr
    assert "published" in result.stdout
    expected = OmegaConf.load(conf_dir() / "task" / f"{task}.yaml").expected
    metrics = json.loads((tmp_path / "runs" / "latest" / "metrics.json").read_text())
    assert set(expected) <= set(metrics)
    assert metrics["model/parameters"] == expected["model/parameters"]
