"""Check every override before anything heavy is imported: groups, options, keys and types."""

from functools import cache
from pathlib import Path

from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf

from hepexp.config import catalog, expected, hydra_keys, needs, root, schema, sweeps, yaml_file
from hepexp.config.annotations import TARGET
from hepexp.config.compose import Composer, parse, plain
from hepexp.config.record import refuse_environment
from hepexp.config.suggest import did_you_mean
from hepexp.errors import ConfigError


def check(args: list[str], config_dirs: list[Path], multirun: bool = False, name: str = "train") -> list[str]:
    """Check overrides.

    Parameters
    ----------
    args : overrides, aliases translated, without flags.
    config_dirs : folders searched after the shipped one (`--config-dir`).
    multirun : whether values may be sweeps.
    name : name of the root configuration.

    Returns
    -------
    The overrides for Hydra. A key that the constructor has but the option's file leaves out becomes `++key=value`, as
    Hydra would refuse it otherwise; so does a mapping, whose keys may be new.

    Raises
    ------
    ConfigError : an override cannot be read; a group, an option or a key is unknown; a value has the wrong type.
    """
    searched = catalog.folders(config_dirs)
    root_path = catalog.root_file(searched, name)
    known = {key: value for key, value in yaml_file.load(root_path).items() if key not in ("defaults", "hydra")}
    groups = catalog.groups(searched)
    required = (yaml_file.defaults(root_path).keys() & set(groups)) - yaml_file.optional(root_path)
    composer = Composer(config_dirs, name)

    parsed = parse(args)
    for override in parsed:
        if override.is_sweep_override() and not multirun:
            raise ConfigError(
                f"{override.input_line} has several values: add -m to run each value, or write "
                f"{override.key_or_group}=[...] for a list"
            )
        _check_key(override, [*groups, *known], searched, composer)

    is_group = [override.key_or_group in groups or "/" in override.key_or_group for override in parsed]
    by_choice, by_value = [], []
    for override, group in zip(parsed, is_group, strict=True):
        (by_choice if group else by_value).append(_spelled(override, searched, forced=not group))

    own_loss = not any(override.key_or_group == "loss" for override in parsed)

    @cache
    def bare(typed: tuple[str, ...]) -> DictConfig:
        try:
            return Composer([]).compose([*typed])
        except ConfigError:  # they choose an option of Hydra's in --config-dir
            return composer.compose([*typed])

    absent: set[str] = set()
    for job in sweeps.jobs(by_choice, by_value):
        config = composer.compose(job)
        for group in required - config.keys():
            raise ConfigError(f"a run needs a {group} (options: {', '.join(catalog.options(group, searched))})")
        hydra_keys.check(config, job, bare)
        if config_dirs:
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
        absent |= _keys_not_in_files(composer, job, parsed)
    forced = [
        not group and (o.key_or_group in absent or o.is_add() or isinstance(o.value(), dict))
        for o, group in zip(parsed, is_group, strict=True)
    ]
    return [f"++{arg.lstrip('+')}" if force else arg for arg, force in zip(args, forced, strict=True)]


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
        for choice in sweeps.names(override, list(catalog.options(key, searched))):
            catalog.files(key, choice, searched)


def _check_hydra_group(override: Override, composer: Composer) -> None:
    group = override.key_or_group
    known = composer.hydra_groups(group)
    if group not in known:
        raise ConfigError(f"unknown group '{group}'{did_you_mean(group, known)} (groups: {', '.join(known)})")
    options = composer.hydra_options(group)
    for choice in [] if override.is_delete() else sweeps.names(override, options):
        if choice not in options:
            raise ConfigError(
                f"unknown {group} '{choice}'{did_you_mean(choice, options)} (options: {', '.join(options)})"
            )


def _spelled(override: Override, searched: list[Path], forced: bool) -> list[str]:
    """An override as Hydra reads it, once for each value of a sweep.

    Values are forced into the configuration (`++`): the schema, which knows more than the files, checks them
    afterwards.
    """
    if override.is_delete() or override.is_hydra_override():
        return [override.input_line or ""]
    key = override.get_key_element()
    key = f"++{key.lstrip('+')}" if forced else key
    options = [] if forced else list(catalog.options(override.key_or_group, searched))
    return [f"{key}={value}" for value in sweeps.choices(override, options)]


def _keys_not_in_files(composer: Composer, job: list[str], parsed: list[Override]) -> set[str]:
    """The overridden keys that the files of the chosen options leave out."""
    keys = {o.key_or_group for o in parsed if not o.is_delete() and not o.is_hydra_override() and "." in o.key_or_group}
    if not keys:
        return set()
    bare = composer.compose([argument for argument in job if not argument.startswith("++")])
    return {key for key in keys if not _has(bare, key)}


def _has(config: object, key: str) -> bool:
    for part in key.split("."):
        if not OmegaConf.is_dict(config) or part not in config.keys():  # noqa: SIM118 `in` is False for a missing value
            return False
        config = config._get_node(part)
    return True
