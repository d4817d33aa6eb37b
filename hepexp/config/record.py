"""Read the config.yaml of a run as plain values, and change what may differ when it is used again.

A run may be someone else's.
"""

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import yaml
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from hepexp.config import catalog, figures_of_merit, former, kind, own_names, root, schema, yaml_file
from hepexp.config.annotations import TARGET
from hepexp.config.command_line import translate
from hepexp.config.compose import one_line
from hepexp.config.content import content_of
from hepexp.config.grammar import parse
from hepexp.config.loader import make_way
from hepexp.config.nested import leaves
from hepexp.config.recipe import RECIPE
from hepexp.config.yaml_file import DEEPEST, TOO_DEEP
from hepexp.errors import ConfigError, DataError

_ENVIRONMENT = re.compile(r"\$\{[^:{}]*(oc\.env|\$\{[^{}]*\})[^:{}]*:")
# Groups that the figures of a run do not depend on, and how long it trains: what may change when it is resumed.
RESUMABLE = ("trainer", "tracking")


def load(path: Path) -> DictConfig:
    """The configuration in a file of values, none of which is evaluated.

    Raises
    ------
    DataError : the file cannot be read, is not YAML, or holds an expression (`${...}`), a missing value (`???`), an
        alias, or a value of another type than the root file's.
    """
    try:
        text = yaml_file.text_of(path)
        yaml_file.check(path, text)
        config = OmegaConf.create(text)
        content = OmegaConf.to_container(config, resolve=False)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error
    except ConfigError as error:
        raise DataError(str(error)) from error
    except (yaml.YAMLError, OmegaConfBaseException, ValueError) as error:
        raise DataError(f"{path} is not the config of a run: {one_line(error)}") from error
    if not isinstance(content, dict) or not content:
        raise DataError(f"{path} is not the config of a run: expected keys and values")
    choices = content.get("choices", {})
    if not isinstance(choices, dict) or not all(isinstance(option, str) for option in choices.values()):
        raise DataError(f"{path}: choices must be the option of each group, got {choices!r}")
    ours = yaml_file.load(catalog.root_file(catalog.folders()))
    known = {key: value for key, value in ours.items() if key in content and key not in ("defaults", "hydra")}
    try:
        check_values(content)
        root.check({key: content[key] for key in known}, known)
        root.check_values(content)
    except ConfigError as error:
        raise DataError(f"{path}: {error}") from error
    content = former.updated(content)
    _spell_out_scalars(content)
    if "model" in content:
        content.setdefault("evaluation", {TARGET: kind.EVALUATION})  # a record from before there were options
    return OmegaConf.create(content)


def _spell_out_scalars(content: Mapping) -> None:
    """Say in a record with `model.use_scalars: null`, from before runs recorded what this came to, what it was then."""
    model, dataset = content.get("model"), content.get("dataset")
    if not isinstance(model, dict) or not isinstance(dataset, Mapping) or model.get("use_scalars", False) is not None:
        return
    scalars = dataset.get("scalars")
    if isinstance(scalars, list) or str(dataset.get(TARGET)).startswith("hepexp."):
        model["use_scalars"] = scalars in ("kinpid", "full")


def completed(content: Mapping) -> dict:
    """The values of a run, and of keys that came later what it did without them: in general what the option says.

    Nodes of classes that the file of the option does not name stay as they are.
    """
    searched, found = catalog.folders(), dict(content)
    for group, option in content.get("choices", {}).items():
        try:
            values = yaml_file.load(catalog.find(group, option, searched))
            found[group] = _filled(content[group], values)
            own_names.put_back(found[group], values, content[group])
        except (ConfigError, KeyError):  # of a plug-in or folder that is not here; the group `task` has no node
            continue
    return found


def _filled(values: Any, option: Any) -> Any:
    if not isinstance(values, Mapping) or not isinstance(option, Mapping):
        return values
    if "_target_" in values and values["_target_"] != option.get("_target_"):
        return values
    later = {key: value for key, value in option.items() if key not in (*values, "defaults", RECIPE)}
    did = former.LATER.get(option.get("_target_", ""), {})
    later |= {key: did[key] for key in later if key in did}
    return later | {key: _filled(value, option.get(key)) for key, value in values.items()}


def check_values(content: Mapping) -> None:
    """Check that a configuration holds nothing but values.

    Raises
    ------
    ConfigError : an expression or a missing value, which a reader of the record would evaluate or trip over; a target
        that is not a name; endless nesting.
    """
    for key, value in leaves(content):
        if key.count(".") > DEEPEST:
            raise ConfigError(f"{key.partition('.')[0]} is {TOO_DEEP}")
        if key.endswith("._target_") and not isinstance(value, str):
            raise ConfigError(f"{key} must be the path of a class, got {value!r}")
        texts = (*key.split("."), value if isinstance(value, str) else "")
        if "${" in key or "${" in texts[-1] or "???" in texts:
            raise ConfigError(f"{key} is {value!r}; a run's config holds values, not expressions")


def refuse_environment(config: DictConfig, typed: Collection[str]) -> None:
    """Refuse a composed configuration that takes values from the environment, which may hold secrets, into the record.

    Parameters
    ----------
    config : unresolved, of files that may be somebody else's.
    typed : keys given on the command line, where such values are the user's own words.

    Raises
    ------
    ConfigError : a value reads a variable, or has an expression for the name of what it calls.
    """
    ours = {name: item for name, item in content_of(config).items() if name != "hydra"}
    for key, value in leaves(ours):
        if isinstance(value, str) and reads_environment(value) and key not in typed:
            raise ConfigError(
                f"{key} is {value!r}: a file must not record what is in the environment; type it, {key}=VALUE"
            )


def reads_environment(text: str) -> bool:
    """Whether an expression reads a variable, or has an expression for the name of what it calls."""
    return _ENVIRONMENT.search(text) is not None


def with_changes(
    config: DictConfig, args: list[str], groups: tuple[str, ...] = RESUMABLE, record: Path | None = None
) -> DictConfig:
    """The configuration with some values of some groups replaced.

    Parameters
    ----------
    config : from the run's config.yaml; it is not changed.
    args : overrides such as `trainer.max_epochs=20`.
    groups : whose keys may change.
    record : the run's config.yaml, under whose name what is wrong in it is refused.

    Raises
    ------
    ConfigError : a key of another group, an unknown key, or a value of the wrong type.
    DataError : a run cannot be built from the record.
    """
    if record is not None:
        schema.check_record(content_of(config), record)
    if more := next((arg for arg in args if "=" not in arg), None):
        raise ConfigError(
            f"{more!r} is not KEY=VALUE; this command takes one RUN, and then changes such as trainer.devices=1"
        )
    changed = config.copy()
    OmegaConf.set_readonly(changed, False)
    for override in parse(translate(args)):
        key = override.key_or_group
        group, _, rest = key.partition(".")
        if group not in groups or not rest:
            allowed = " and ".join(f"{name}.KEY" for name in groups)
            raise ConfigError(f"{override.input_line}: only {allowed} can change here; otherwise start a new run")
        value = override.value()
        if isinstance(value, Mapping | list):
            make_way(changed, value, key)
        OmegaConf.update(changed, key, value, force_add=True)
    for group in groups:
        node = changed.get(group)
        if isinstance(node, DictConfig) and TARGET in node:
            schema.check(content_of(node), group, str(changed.get("choices", {}).get(group, group)))
    if "evaluation" in groups:
        figures_of_merit.check(changed.get("evaluation"))
    return changed
