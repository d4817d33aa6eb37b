"""Which data sets have examples, and where their files are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from hepexp.config import catalog, kind, own_names, schema, source, targets, yaml_file
from hepexp.data.dataset_info import DatasetInfo
from hepexp.errors import ConfigError


def data_sets(config_dirs: Sequence[Path] = ()) -> list[str]:
    """Names of the data sets that have examples: all options of the group except those like `empty`.

    Those whose configuration is refused are left out; `survey` says why.

    Parameters
    ----------
    config_dirs : folders of the user's own configurations.
    """
    return survey(config_dirs)[0]


def survey(config_dirs: Sequence[Path] = ()) -> tuple[list[str], dict[str, ConfigError]]:
    """Names of the data sets that have examples, and what is wrong with those that have a faulty configuration.

    Parameters
    ----------
    config_dirs : folders of the user's own configurations.
    """
    names, faults = [], {}
    for name in catalog.options("dataset", catalog.folders([*config_dirs])):
        try:
            if find_info(name, config_dirs) is not None:
                names.append(name)
        except ConfigError as error:
            faults[name] = error
    return names, faults


def describable(config_dirs: Sequence[Path] = ()) -> list[str]:
    """Names of the data sets that have examples, or would have them with further keys."""
    return list(catalog.options("dataset", catalog.folders([*config_dirs])))


def has_files_by_key(name: str, config_dirs: Sequence[Path] = ()) -> bool:
    """Whether the keys of a data set decide which files it has."""
    return hasattr(module_beside(name, "info", config_dirs), "info_of")


def refuse_unnamed(words: Sequence[str], command: str, config_dirs: Sequence[Path] = ()) -> None:
    """Refuse a data set whose examples are in files that only a configuration of one's own names.

    Parameters
    ----------
    words : given to the command; the name of a data set may be among them.
    config_dirs : folders of the user's own configurations.

    Raises
    ------
    ConfigError : it is; says how to name the files.
    """
    shipped = catalog.options("dataset", catalog.folders([]))
    options = catalog.options("dataset", catalog.folders([*config_dirs]))
    for name in words:
        if name not in options or not hasattr(module_beside(name, "info", config_dirs), "info_of"):
            continue
        if find_info(name, config_dirs) is None and name not in shipped:
            keys = [key for key, value in _config(name, config_dirs).items() if value == "???"]
            raise ConfigError(
                f"{options[name]}: {' and '.join(keys) or 'files'} must be given in this file, such as files: "
                f"[data/*.root], or as in {command} {name} 'data.files=[data/*.root]'"
            )
        if find_info(name, config_dirs) is None:
            raise ConfigError(
                f"{name} is for files of your own, which a configuration names: hepexp data inspect FILE --write "
                f"conf/dataset/mine.yaml, then {command} mine --config-dir conf; or keys as in {command} {name} "
                "'data.files=[data/*.root]'"
            )


def find_info(
    name: str, config_dirs: Sequence[Path] = (), config: Mapping[str, Any] | None = None
) -> DatasetInfo | None:
    """What a data set says of itself; None for one without examples.

    That is what `info_of` in the module `info` beside its class, which needs no torch, makes of its configuration, or
    INFO there, or else `info` of the class.

    Parameters
    ----------
    config_dirs : folders of the user's own configurations.
    config : its configuration where that is not the one in the files.

    Raises
    ------
    ConfigError : its configuration is faulty; the message begins with the file.
    """
    try:
        return _find_info(name, config_dirs, config)
    except ConfigError as error:
        if config is not None:
            raise
        path = catalog.find("dataset", name, catalog.folders([*config_dirs]))
        raise error if str(error).startswith(str(path)) else ConfigError(f"{path}: {error}") from error


def known_info(name: str, config_dirs: Sequence[Path] = (), config: Mapping[str, Any] | None = None) -> DatasetInfo:
    """`find_info` of a data set that has examples."""
    found = find_info(name, config_dirs, config)
    assert found is not None, f"{name} has no examples"
    return found


def _find_info(name: str, config_dirs: Sequence[Path], given: Mapping[str, Any] | None) -> DatasetInfo | None:
    beside = module_beside(name, "info", config_dirs)
    found, info_of = getattr(beside, "INFO", None), getattr(beside, "info_of", None)
    if given is not None and info_of is None:
        raise ConfigError(f"{name} has the same files whatever its keys are; leave out data.KEY=VALUE")
    if isinstance(found, DatasetInfo) and info_of is None:
        return found
    if info_of is not None:
        config = _config(name, config_dirs) if given is None else given
        try:
            return info_of(name, config)
        except (TypeError, ValueError, AttributeError, KeyError):  # a value of another type than its key has
            schema.check(config, "dataset", name)
            raise
    return getattr(class_of(name, config_dirs), "info", None) if _class_has_info(_target(name, config_dirs)) else None


def class_of(name: str, config_dirs: Sequence[Path] = ()) -> type:
    """The class of a data set, which is imported, and torch with it."""
    return targets.load(_target(name, config_dirs), kind.of_group("dataset"))


def simulated(name: str, config_dirs: Sequence[Path] = (), config: Mapping[str, Any] | None = None) -> tuple[int, int]:
    """How many examples source=generate simulates, and with which seed: a data set's n_generate and generate_seed.

    Both are 0 for a data set that has no such keys.

    Raises
    ------
    ConfigError : one is no whole number.
    """
    config = _config(name, config_dirs) if config is None else config
    known = schema.signature(config["_target_"]).parameters

    def value(key: str) -> int:
        if key not in known:
            return 0
        found = config.get(key, known[key].default or 0)
        if key not in config:
            with suppress(ValueError):  # the source text of something else than a number
                return int(found)
        if type(found) is not int:
            raise ConfigError(f"dataset.{key} must be a whole number, got {found!r}")
        return found

    return value("n_generate"), value("generate_seed")


def module_beside(name: str, module: str, config_dirs: Sequence[Path] = ()) -> ModuleType | None:
    """A module of a data set, by its last name, in the folder of the data set's class; None if there is none."""
    path = f"{_target(name, config_dirs).rsplit('.', 2)[0]}.{module}"
    return None if source.module_file(path) is None else import_module(path)


def _class_has_info(target: str) -> bool:
    """Whether the class, or one that it is derived from, is given `info`, according to its source."""
    classes = [found.definition for found in source.ancestors(source.find(target)) if isinstance(found, source.Found)]
    given = dict(filter(None, (source.assigned(statement) for one in reversed(classes) for statement in one.body)))
    return given.get("info") is not None


def _config(name: str, config_dirs: Sequence[Path]) -> dict:
    """The keys of a data set, with those of the files that it includes."""
    config: dict = {}
    for path in catalog.files("dataset", name, catalog.folders([*config_dirs])):
        config = own_names.merged(config, yaml_file.load(path))
    config.pop("defaults", None)
    return config


def _target(name: str, config_dirs: Sequence[Path]) -> str:
    target = _config(name, config_dirs).get("_target_")
    if target is None:
        raise ConfigError("it has no _target_, the class to build; for files of your own: defaults: [files]")
    targets.check(target)
    return target
