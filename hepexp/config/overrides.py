"""Compose the configuration of a command line, and check it before anything heavy is imported."""

from functools import lru_cache
from itertools import product
from pathlib import Path

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Glob, Override
from omegaconf import DictConfig

from hepexp.config import (
    catalog,
    expected,
    figures_of_merit,
    hydra_keys,
    named_objects,
    needs,
    root,
    schema,
    whereabouts,
    yaml_file,
)
from hepexp.config.annotations import TARGET
from hepexp.config.command_line import CommandLine
from hepexp.config.compose import Composer, plain
from hepexp.config.grammar import parse
from hepexp.config.record import refuse_environment
from hepexp.config.suggest import did_you_mean
from hepexp.errors import ConfigError

ELSEWHERE = ("hydra", "sweep", "study", *named_objects.GROUPS.values())  # checked for themselves
MAX_CHECKED = 200  # combinations of options in a multirun that are composed before the start, 0.04 s each


def compose(line: CommandLine) -> DictConfig:
    """The configuration of a command line, once all of it is checked; of a multirun that of its first job.

    Raises
    ------
    ConfigError : an override cannot be read; a group, an option or a key is unknown; a value has the wrong type.
    """
    searched = catalog.folders(line.config_dirs)
    root_path = catalog.root_file(searched, line.config_name)
    known = {key: value for key, value in yaml_file.load(root_path).items() if key not in ("defaults", "hydra")}
    groups = catalog.groups(searched)
    required = (yaml_file.defaults(root_path).keys() & set(groups)) - yaml_file.optional(root_path)
    composer = Composer(line.config_dirs, line.config_name)

    parsed = parse(line.overrides)
    by_choice: list[list[str]] = []
    by_value: list[list[str]] = []
    for override in parsed:
        if override.is_sweep_override() and line.action != "--multirun":
            raise ConfigError(
                f"{override.input_line} has several values: add -m to run each value, or write "
                f"{override.key_or_group}=[...] for a list"
            )
        if (name := _root_of(override)) not in (*groups, *known, *ELSEWHERE):
            options = yaml_file.defaults(root_path) | _chosen(parsed, groups)
            hint = whereabouts.of_key(name, options, [*groups, *known], searched)
            raise ConfigError(f"unknown group or key '{name}'{hint}")
        _check_key(override, searched, composer)
        is_group = override.key_or_group in groups or "/" in override.key_or_group
        (by_choice if is_group else by_value).append(_spelled(override, searched, is_group))

    own_loss = not any(override.key_or_group == "loss" for override in parsed)

    def bare(typed: tuple[str, ...]) -> DictConfig:
        try:
            return _bare(typed, tuple(catalog.folders()))
        except ConfigError:  # they choose an option of Hydra's in --config-dir
            return composer.compose([*typed])

    first: DictConfig | None = None
    for job in _combinations(by_choice, by_value):
        config = composer.compose(job)
        for group in required - config.keys():
            raise ConfigError(f"a run needs a {group} (options: {', '.join(catalog.options(group, searched))})")
        hydra_keys.check(config, job, bare)
        if line.config_dirs:
            refuse_environment(config, {override.key_or_group for override in parsed})
        values = plain(config)
        chosen = {str(group): str(option) for group, option in config.hydra.runtime.choices.items()}
        schema.check_nodes(values, values.keys() & set(groups), chosen)
        figures_of_merit.check(values.get("evaluation"))
        own = {key: value for key, value in values.items() if key not in groups}
        root.check(own, known)
        root.check_values(own)
        figures = expected.read(values.get("expected") or {})
        if own_loss and "loss" in values:  # a task's figures belong to its own loss: no check against another
            expected.check_metrics(figures, values["loss"][TARGET])
        needs.check(values, searched)
        first = config if first is None else first
    assert first is not None, "there is at least one job"
    return first


@lru_cache(maxsize=4)  # the same for all jobs of a multirun, all trials of a sweep and all runs of a study
def _bare(typed: tuple[str, ...], searched: tuple[Path, ...]) -> DictConfig:
    """What these overrides give without the files of --config-dir; `searched` are those that they are read with."""
    return Composer([]).compose([*typed])


def _root_of(override: Override) -> str:
    """The group of an override, or the first part of its key."""
    return override.key_or_group.split(".")[0].split("/")[0]


def _chosen(parsed: list[Override], groups: list[str]) -> dict[str, str]:
    """The options of groups that a line chooses by their plain names."""
    return {o.key_or_group: str(o.value()) for o in parsed if o.key_or_group in groups and isinstance(o.value(), str)}


def _check_key(override: Override, searched: list[Path], composer: Composer) -> None:
    """Check that the chosen options exist, and that the key is one of a training's."""
    key, first = override.key_or_group, _root_of(override)
    if first == "sweep":
        raise ConfigError(f"{key} is for hepexp sweep: hepexp sweep ... {override.input_line}")
    if first == "study":
        raise ConfigError(f"{key} is for hepexp study: hepexp study NAME [KEY=VALUE ...]")
    if first in named_objects.GROUPS.values():
        raise ConfigError(f"{override.input_line}: a {first} is that of a model: model.{override.input_line}")
    if first == "hydra":
        if "/" in key:
            _check_hydra_group(override, composer)
    elif key in catalog.groups(searched) and not override.is_delete():
        for choice in _names(override, list(catalog.options(key, searched))):
            catalog.files(key, choice, searched)


def _check_hydra_group(override: Override, composer: Composer) -> None:
    group = override.key_or_group
    known = composer.hydra_groups(group)
    if group not in known:
        raise ConfigError(f"unknown group '{group}'{did_you_mean(group, known)} (groups: {', '.join(known)})")
    options = composer.hydra_options(group)
    for choice in [] if override.is_delete() else _names(override, options):
        if choice not in options:
            raise ConfigError(
                f"unknown {group} '{choice}'{did_you_mean(choice, options)} (options: {', '.join(options)})"
            )


def _spelled(override: Override, searched: list[Path], is_group: bool) -> list[str]:
    """An override as Hydra reads it, once for each of several values."""
    if not override.is_sweep_override() or override.is_hydra_override():
        return [override.input_line or ""]
    options = list(catalog.options(override.key_or_group, searched)) if is_group else []
    return [f"{override.get_key_element()}={value}" for value in _choices(override, options)]


def _choices(override: Override, options: list[str]) -> list[str]:
    """The values of an override: a single one unless it lists several.

    Parameters
    ----------
    options : what `glob(...)` selects from.

    Raises
    ------
    ConfigError : it has no list of values (`interval(...)`), or an empty one.
    """
    if not override.is_sweep_override():
        return [override.get_value_element_as_str()]
    if not override.is_discrete_sweep():
        raise ConfigError(f"{override.input_line}: a grid needs a list of values, e.g. {override.key_or_group}=1,2,3")
    value = override.value()
    found = value.filter(options) if isinstance(value, Glob) else list(override.sweep_string_iterator())
    if not found:
        raise ConfigError(f"{override.input_line} has no values")
    return found


def _names(override: Override, options: list[str]) -> list[str]:
    """The same values as names of options, without the quotes and backslashes of Hydra's grammar."""
    parser = OverridesParser.create()
    texts = _choices(override, options)
    return [text if text == "null" else str(parser.parse_override(f"name={text}").value()) for text in texts]


def _combinations(groups: list[list[str]], values: list[list[str]]) -> list[list[str]]:
    """Overrides of the jobs to check: every combination of group choices, with every value at least once for each.

    Whether a value is valid depends on the options chosen, not on other values, so combinations of values need no
    separate check.
    """
    longest = max((len(choice) for choice in values), default=1)
    rows = [[choice[i % len(choice)] for choice in values] for i in range(longest)]
    combined = [[*group, *row] for group in product(*groups) for row in rows]
    if len(combined) <= MAX_CHECKED:
        return combined
    # Too many to compose beforehand: each choice of each override once.
    longest = max(len(choice) for choice in groups + values)
    return [[choice[i % len(choice)] for choice in groups + values] for i in range(longest)]
