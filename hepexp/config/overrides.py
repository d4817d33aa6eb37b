"""Compose the configuration of a command line, and check it before anything heavy is imported."""

from functools import cache
from pathlib import Path

from hydra.core.override_parser.types import Override
from omegaconf import DictConfig

from hepexp.config import catalog, combinations, expected, hydra_keys, needs, root, schema, yaml_file
from hepexp.config.annotations import TARGET
from hepexp.config.command_line import CommandLine
from hepexp.config.compose import Composer, parse, plain
from hepexp.config.record import refuse_environment
from hepexp.config.suggest import did_you_mean
from hepexp.errors import ConfigError


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
    by_choice, by_value = [], []
    for override in parsed:
        if override.is_sweep_override() and line.action != "--multirun":
            raise ConfigError(
                f"{override.input_line} has several values: add -m to run each value, or write "
                f"{override.key_or_group}=[...] for a list"
            )
        _check_key(override, [*groups, *known], searched, composer)
        is_group = override.key_or_group in groups or "/" in override.key_or_group
        (by_choice if is_group else by_value).append(_spelled(override, searched, is_group))

    own_loss = not any(override.key_or_group == "loss" for override in parsed)

    @cache
    def bare(typed: tuple[str, ...]) -> DictConfig:
        try:
            return Composer([]).compose([*typed])
        except ConfigError:  # they choose an option of Hydra's in --config-dir
            return composer.compose([*typed])

    first = None
    for job in combinations.of(by_choice, by_value):
        config = composer.compose(job)
        for group in required - config.keys():
            raise ConfigError(f"a run needs a {group} (options: {', '.join(catalog.options(group, searched))})")
        hydra_keys.check(config, job, bare)
        if line.config_dirs:
            refuse_environment(config, {override.key_or_group for override in parsed})
        values = plain(config)
        chosen = {str(group): str(option) for group, option in config.hydra.runtime.choices.items()}
        schema.check_nodes(values, values.keys() & set(groups), chosen)
        own = {key: value for key, value in values.items() if key not in groups}
        root.check(own, known)
        root.check_values(own)
        figures = expected.read(values.get("expected") or {})
        if own_loss and "loss" in values:  # a task's figures belong to its own loss: no check against another
            expected.check_metrics(figures, values["loss"][TARGET])
        needs.check(values, searched)
        first = config if first is None else first
    return first


def _check_key(override: Override, roots: list[str], searched: list[Path], composer: Composer) -> None:
    """Check that the group or the first part of the key exists, and that the chosen options do."""
    key = override.key_or_group
    first = key.split(".")[0].split("/")[0]
    if first == "sweep":
        raise ConfigError(f"{key} is for hepexp sweep: hepexp sweep ... {override.input_line}")
    if first == "hydra":
        if "/" in key:
            _check_hydra_group(override, composer)
    elif first not in roots:
        raise ConfigError(f"unknown group or key '{first}'{did_you_mean(first, roots)}; see: hepexp list")
    elif key in catalog.groups(searched) and not override.is_delete():
        for choice in combinations.names(override, list(catalog.options(key, searched))):
            catalog.files(key, choice, searched)


def _check_hydra_group(override: Override, composer: Composer) -> None:
    group = override.key_or_group
    known = composer.hydra_groups(group)
    if group not in known:
        raise ConfigError(f"unknown group '{group}'{did_you_mean(group, known)} (groups: {', '.join(known)})")
    options = composer.hydra_options(group)
    for choice in [] if override.is_delete() else combinations.names(override, options):
        if choice not in options:
            raise ConfigError(
                f"unknown {group} '{choice}'{did_you_mean(choice, options)} (options: {', '.join(options)})"
            )


def _spelled(override: Override, searched: list[Path], is_group: bool) -> list[str]:
    """An override as Hydra reads it, once for each of several values."""
    if not override.is_sweep_override() or override.is_hydra_override():
        return [override.input_line or ""]
    options = list(catalog.options(override.key_or_group, searched)) if is_group else []
    return [f"{override.get_key_element()}={value}" for value in combinations.choices(override, options)]
