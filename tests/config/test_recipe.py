"""How a model's recipe stands for the values of options that nobody chose."""

from textwrap import dedent

import pytest

from hepexp.config.compose import Composer
from hepexp.errors import ConfigError

MODEL = """
    _target_: hepexp.models.pfn.PFN
    recipe:
      dataset: {batch_size: 256}
      optimizer: {lr: 0.01, schedule: cosine}
      trainer: {max_epochs: 30, min_steps: 900, patience: null}
"""


def composed(folder, *overrides, model=MODEL):
    (folder / "model").mkdir(exist_ok=True)
    (folder / "model" / "mine.yaml").write_text(dedent(model))
    return Composer([folder]).compose(["model=mine", *overrides])


def values(config):
    return {
        "lr": config.optimizer.lr,
        "schedule": config.optimizer.schedule,
        "epochs": config.trainer.max_epochs,
        "least": config.trainer.get("min_steps"),
        "patience": config.trainer.patience,
        "batch": config.dataset.get("batch_size"),
    }


RECIPE = {"lr": 0.01, "schedule": "cosine", "epochs": 30, "least": 900, "patience": None, "batch": 256}


@pytest.mark.parametrize(
    ("overrides", "changed"),
    [
        ([], {}),
        (["dataset=jetclass"], {}),
        (["optimizer.lr=3", "dataset.batch_size=8"], {"lr": 3, "batch": 8}),
        (["trainer.max_epochs=5"], {"epochs": 5, "least": None}),
        (["optimizer=adam"], {"lr": 1e-3, "schedule": "constant"}),
        (["trainer=quick"], {"epochs": 2, "least": None}),
        (["trainer=gpu"], {}),
        (["trainer=gpu", "trainer.max_epochs=5"], {"epochs": 5, "least": None}),
        (["trainer=paper"], {"epochs": 35, "least": None}),
        (["trainer.patience=4"], {"patience": 4}),
    ],
)
def test_a_recipe_holds_where_nothing_else_was_chosen(tmp_path, overrides, changed):
    config = composed(tmp_path, *overrides)
    assert values(config) == RECIPE | changed
    assert "recipe" not in config.model
    assert list(config.hydra.overrides.task) == ["model=mine", *overrides]  # what was typed, and no more


def test_a_task_says_itself_how_its_model_is_trained(tmp_path):
    (tmp_path / "task").mkdir()
    (tmp_path / "task" / "own.yaml").write_text("# @package _global_\ndefaults:\n  - override /model: mine\n")
    plain = Composer([]).compose(["model=cnn", "trainer=default", "optimizer=adamw"])
    config = composed(tmp_path, "task=own")
    assert config.trainer == plain.trainer
    assert config.optimizer == plain.optimizer


@pytest.mark.parametrize(
    ("overrides", "changed"),
    [
        ([], {}),
        (["trainer.max_epochs=5"], {"epochs": 5, "least": None}),
        (["trainer=quick"], {"epochs": 2, "least": None, "patience": None}),
        (["trainer=gpu"], {}),
    ],
)
def test_a_task_is_as_long_as_the_trainer_or_the_epochs_that_are_typed(tmp_path, overrides, changed):
    (tmp_path / "task").mkdir()
    task = """
        # @package _global_
        defaults:
          - override /trainer: default
        trainer: {max_epochs: 9, min_steps: 900, patience: 3}
    """
    (tmp_path / "task" / "own.yaml").write_text(dedent(task))
    found = values(composed(tmp_path, "task=own", *overrides))
    assert {key: found[key] for key in ("epochs", "least", "patience")} == {
        "epochs": 9,
        "least": 900,
        "patience": 3,
    } | changed


def test_a_data_set_that_names_its_batch_size_keeps_it(tmp_path):
    assert values(composed(tmp_path, "dataset=mnist"))["batch"] == 64


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        ("recipe: {loss: {name: mse}}", "model: recipe.loss is none of dataset, optimizer, trainer"),
        ("recipe: fast", "model: recipe must hold keys of dataset, optimizer, trainer, got 'fast'"),
        ("recipe: {trainer: {_target_: os.system}}", "model: recipe.trainer must hold keys of trainer"),
    ],
)
def test_a_recipe_sets_keys_and_chooses_no_classes(tmp_path, recipe, message):
    with pytest.raises(ConfigError, match=message):
        composed(tmp_path, model=f"_target_: hepexp.models.pfn.PFN\n{recipe}")
