"""The recipe of a model: how it is trained by a command that does not say.

A model's file may have a node `recipe` with keys of `optimizer`, `trainer` and `dataset`. They stand for the values of
the options that the root chooses by default; what the file of a chosen option says counts, and a task is
taken as it is.
"""

from collections.abc import Collection, Mapping

from omegaconf import DictConfig, OmegaConf, open_dict

from hepexp.config.annotations import TARGET
from hepexp.errors import ConfigError

RECIPE = "recipe"
GROUPS = ("dataset", "optimizer", "trainer")
LENGTH = ("max_epochs", "min_steps", "patience")  # of a trainer


def apply(config: DictConfig, typed: Collection[str], trainer: Mapping[str, object]) -> None:
    """Take the recipe out of the model of a composed configuration, and set its values in the groups.

    A trainer that was typed is as long as its file says, also where a task has a length of its own: trainer=quick
    is a look at any task.

    Parameters
    ----------
    config : before the single keys of a command line are set; changed in place.
    typed : groups and keys of the command line, and `task` if there is one: a task says how its model is trained. Keys
        of `dataset`, and of a trainer that was chosen, only fill in what its file leaves out, so trainer=gpu is as long
        as the recipe says; `trainer.max_epochs` is then the whole length, of a task's training too.
    trainer : what the file of the trainer says.

    Raises
    ------
    ConfigError : the recipe is not keys of these groups.
    """
    _take_recipe(config, typed)
    if {"task", "trainer"} <= set(typed) and "max_epochs" in trainer:
        config.trainer = OmegaConf.merge(config.trainer, {key: trainer.get(key) for key in LENGTH})
    if "trainer.max_epochs" in typed and config.get("trainer", {}).get("min_steps"):
        config.trainer.min_steps = None  # the length that was asked for


def _take_recipe(config: DictConfig, typed: Collection[str]) -> None:
    model = config.get("model")
    if not isinstance(model, DictConfig) or RECIPE not in model:
        return
    with open_dict(model):
        recipe = model.pop(RECIPE)
    check(OmegaConf.to_container(recipe) if OmegaConf.is_config(recipe) else recipe, "model")
    if "task" in typed:
        return
    trainer = recipe.get("trainer", {})
    if "trainer" in typed and "max_epochs" in config.trainer:
        for key in LENGTH:
            trainer.pop(key, None)
    for group, values in recipe.items():
        if group == "dataset" or (group == "trainer" and group in typed):
            config[group] = OmegaConf.merge(values, config[group])
        elif group not in typed and TARGET in config.get(group, {}):
            config[group] = OmegaConf.merge(config[group], values)


def check(recipe: object, where: str) -> None:
    """Refuse a recipe that sets anything but keys of `GROUPS`.

    Raises
    ------
    ConfigError : naming the key; `where` is the file or option.
    """
    if not isinstance(recipe, dict):
        raise ConfigError(f"{where}: {RECIPE} must hold keys of {', '.join(GROUPS)}, got {recipe!r}")
    for group, values in recipe.items():
        if group not in GROUPS:
            raise ConfigError(f"{where}: {RECIPE}.{group} is none of {', '.join(GROUPS)}")
        if not isinstance(values, dict) or TARGET in values:
            raise ConfigError(f"{where}: {RECIPE}.{group} must hold keys of {group} and their values, got {values!r}")
