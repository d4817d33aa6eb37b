"""A task that needs another's weights takes them from its run, or trains it first; said before anything is trained."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from hepexp.cli.main import main
from hepexp.config.compose import Composer
from hepexp.errors import ConfigError
from hepexp.learning import experiment
from hepexp.learning.needed_runs import newest_run
from hepexp.tracking.run_folder import RunFolder
from tests.commands.here import working_in

TASK = """# @package _global_
# A small autoencoder{about}.
defaults:
  - override /dataset: mnist
  - override /model: conv_autoencoder
  - override /loss: equivariant_autoencoder
  - override /optimizer: adam
  - override /trainer: quick
dataset: {{source: mini, n_train: 64, n_val: 16, n_test: 16, batch_size: 32}}
model: {{widths: [4, 4, 4], hidden: [8], weights: null}}
needs: {needs}
"""
NEEDS = {
    "first": "{}",
    "second": "{model.weights: first}",
    "third": "{model.weights: second}",
    "round": "{model.weights: about}",
    "about": "{model.weights: round}",
}
TYPED = ("dataset.n_train=48", "trainer.max_epochs=1", "seed=3", "experiment=study")


@pytest.fixture(scope="module")
def conf(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("conf")
    (folder / "task").mkdir()
    for name, needs in NEEDS.items():
        (folder / "task" / f"{name}.yaml").write_text(TASK.format(about=" that needs another", needs=needs))
    return folder


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Iterator[Path]:
    """One folder for all."""
    folder = tmp_path_factory.mktemp("home")
    with working_in(folder):
        yield folder


@pytest.fixture
def train(home, conf, capfd):
    """`train("task=second")`; returns the exit code and what was said."""

    def run(*words: str) -> tuple[int, str]:
        code = main(["train", "--config-dir", str(conf), *words])
        return code, capfd.readouterr().err

    return run


def runs() -> list[RunFolder]:
    """All runs in the order of their start."""
    with sqlite3.connect("runs/mlflow.db") as store:
        query = "select value from tags join runs using (run_uuid) where key = 'folder' order by start_time"
        return [RunFolder(Path("runs").resolve() / label) for (label,) in store.execute(query)]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["task=first", "needs.model.weights=frist"], "needs.model.weights: unknown task 'frist'; did you mean first?"),
        (["task=first", "needs.model.weight=second"], "unknown key 'model.weight'; did you mean weights?"),
        (
            ["task=first", "needs.model.hidden=second"],
            "model.hidden is not a key for a file of weights that may be null",
        ),
        (["task=first", "needs.model.weights.x=second"], "model.weights has no keys"),
        (["task=first", "needs.model=3"], "needs.model: expected the name of a task, got 3"),
        (["task=round"], "a task cannot need itself: round -> about -> round"),
        (["task=second", "dataset.n_train=100000"], "dataset.n_train must be <= "),
        (["task=second", "loss.n_rotations=1"], "loss needs n_rotations >= 2"),
        (["task=second", "model.head=new", "loss.n_rotations=1"], "loss needs n_rotations >= 2"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_trained(train, words, message):
    code, said = train(*words)
    assert code == 2
    assert message in said
    assert said.count("\n") == 1
    assert not Path("runs").exists()


def test_nothing_is_trained_with_random_weights_in_place_of_needed_ones(home, conf):
    composed = Composer([conf]).compose(["task=second"])
    with pytest.raises(ConfigError, match=r"model\.weights needs a file of weights from a run of task=first"):
        experiment.train(experiment.freeze(composed, composed.hydra.runtime.choices), [])


def test_needed_tasks_are_trained_first_once_with_what_was_typed(train, conf):
    code, said = train("task=second", *TYPED, "optimizer.lr=1e-12")  # float32 weights stay as they are
    assert code == 0, said
    assert "needs   model.weights: training task=first first" in said
    first, second = runs()
    for run, task in ((first, "first"), (second, "second")):
        config = run.config
        assert (config.choices.task, config.dataset.n_train, config.trainer.max_epochs) == (task, 48, 1)
        assert (config.seed, config.experiment) == (3, "study")
    assert OmegaConf.load(first.path / "overrides.yaml")[0] == "task=first"
    file = f"{first.label}/checkpoints/best.ckpt"
    assert second.config.model.weights == file  # relative: runs/ can be moved
    assert second.environment["needs"] == {"model.weights": {"task": "first", "file": file}}
    assert second.metrics["test/reconstruction_mse"] == first.metrics["test/reconstruction_mse"]

    code, said = train("-m", "task=third", *TYPED)
    assert code == 0, said
    assert f"needs   model.weights: from {second.label}" in said
    assert [run.config.choices.task for run in runs()] == ["first", "second", "third"]

    first_weights = first.best.rename(first.best.with_suffix(".moved"))
    assert main(["evaluate", str(second.path)]) == 0  # a trained run needs its own checkpoint alone
    first_weights.rename(first.best)

    # the same data and model; trainer and seed where they are typed; nothing that the weights do not depend on
    def found(*typed: str):
        composed = Composer([conf]).compose(["task=first", *typed])
        return newest_run(experiment.freeze(composed, composed.hydra.runtime.choices), list(typed))

    assert (
        found(*TYPED)
        == found("dataset.n_train=48")
        == found("dataset.n_train=48", "loss.equivariance_weight=2")
        == first
    )
    assert found(*TYPED, "++trainer.progress=false", "dataset.num_workers=2") == first
    for name, content in (("damaged", b"choices:\n  task: first\n  - ["), ("binary", b"\xff\xfe\x00")):  # newer by name
        (first.path.parent / f"zz_{name}").mkdir()
        (first.path.parent / f"zz_{name}" / "config.yaml").write_bytes(content)
    assert found(*TYPED) == first
    for other in ("dataset.n_train=40", "trainer.max_epochs=2", "trainer=paper", "seed=4", "model.widths=[4,4]"):
        assert found(*TYPED, other) is None
    with sqlite3.connect("runs/mlflow.db") as store:
        store.execute("update runs set status = 'KILLED'")
    assert found(*TYPED) is None
