"""Which groups and options exist, read from the folders of YAML files."""

import os
from collections.abc import Sequence
from pathlib import Path

from hepexp.config import paths, plugins, yaml_file
from hepexp.config.command_line import ALIASES
from hepexp.config.suggest import did_you_mean, typed
from hepexp.errors import ConfigError

KINDS = {  # of options: what they are, and how they are typed, where that is not GROUP=NAME
    "circuit": ("a circuit", "model.circuit={name}"),
    "dataset": ("a data set", "data={name}"),
    "study": ("a study", "hepexp study {name}"),
    "sweep": ("a sweep", "hepexp sweep sweep={name}"),
    "task": ("a task", "hepexp train task={name}"),
}


def folders(extra: list[Path] | None = None) -> list[Path]:
    """Configuration folders in the order in which Hydra searches them: hepexp's own, plugins', `--config-dir`.

    Raises
    ------
    ConfigError : a folder given by the user does not exist.
    """
    for folder in extra or []:
        if not folder.is_dir():
            raise ConfigError(f"--config-dir {folder} is not a folder")
    return [paths.conf_dir(), *plugins.conf_dirs(), *(extra or [])]


def groups(searched: Sequence[Path]) -> list[str]:
    """Names of all groups."""
    found = {child.name for folder in searched if folder.is_dir() for child in folder.iterdir() if child.is_dir()}
    return sorted(name for name in found if not _is_hidden(name))


def options(group: str, searched: Sequence[Path]) -> dict[str, Path]:
    """Options of a group and their files; of two with the same name, the one found first.

    A folder or file whose name starts with an underscore has what several options include, and is no option itself.
    """
    found: dict[str, Path] = {}
    for folder in searched:
        for path in sorted((folder / group).rglob("*.yaml")):
            name = path.relative_to(folder / group).with_suffix("").as_posix()
            if not any(map(_is_hidden, name.split("/"))):
                found.setdefault(name, path)
    return dict(sorted(found.items()))


def files(group: str, name: str, searched: Sequence[Path]) -> list[Path]:
    """The files that an option is composed of: those that its defaults list includes, then its own.

    Raises
    ------
    ConfigError : the group has no such option, or a file that it includes does not exist, or includes itself.
    """
    return [*_included(group, find(group, name, searched), searched, ()), find(group, name, searched)]


def check_group(name: str, searched: Sequence[Path]) -> str:
    """The group to which a name or an alias refers.

    Raises
    ------
    ConfigError : there is no such group.
    """
    known = groups(searched)
    name = ALIASES.get(name, name)
    if name not in known:
        there_is = elsewhere(name, searched)
        hint = f": it is {there_is}" if there_is else did_you_mean(name, [*known, *ALIASES])
        raise ConfigError(f"unknown group '{name}'{hint} (groups: {', '.join(known)})")
    return name


def find(group: str, name: str, searched: Sequence[Path]) -> Path:
    """The file of an option.

    Raises
    ------
    ConfigError : the group has no such option.
    """
    found = options(group, searched)
    if name not in found and (there_is := elsewhere(name, searched)):
        raise ConfigError(f"unknown {group} '{name}': it is {there_is}")
    if name not in found and group == "dataset" and os.path.isfile(name):
        raise ConfigError(f"unknown dataset '{name}': it is a file; how to read it: hepexp data inspect {typed(name)}")
    if name not in found:
        hints = "".join(f"; {line}" for line in plugins.missing())
        close = did_you_mean(name, found)
        raise ConfigError(f"unknown {group} '{name}'{close} (options: {', '.join(found) or 'none'}){hints}")
    return found[name]


def elsewhere(name: str, searched: Sequence[Path]) -> str:
    """Of which groups a name is an option, and how that is typed: `a study, hepexp study NAME`; empty if of none."""
    kinds = {}
    for group in groups(searched):
        if name in options(group, searched):
            noun, how = KINDS.get(group, (f"{'an' if group[0] in 'aeiou' else 'a'} {group}", "{group}={name}"))
            kinds[noun] = how.format(group=group, name=name)
    return "; or ".join(f"{noun}, {how}" for noun, how in kinds.items())


def root_file(searched: Sequence[Path], name: str = "train") -> Path:
    """The file of the root configuration."""
    for folder in searched:
        if (folder / f"{name}.yaml").is_file():
            return folder / f"{name}.yaml"
    raise ConfigError(f"no {name}.yaml in {', '.join(map(str, searched))}")


def _included(group: str, path: Path, searched: Sequence[Path], above: tuple[Path, ...]) -> list[Path]:
    """The files that a file of a group includes, each after those that it includes itself."""
    found: list[Path] = []
    for entry in yaml_file.included(path):
        entry = entry.split("@")[0]  # without the package in which its keys are put
        name = entry.lstrip("/") if entry.startswith("/") else f"{group}/{entry}"
        inner = next((file for folder in searched if (file := folder / f"{name}.yaml").is_file()), None)
        if inner is None:
            raise ConfigError(f"{path}: its defaults list names {entry}, but there is no {name}.yaml")
        if inner in (*above, path):
            raise ConfigError(f"{path}: its defaults list names {entry}, which includes this file itself")
        found += [*_included(name.rpartition("/")[0], inner, searched, (*above, path)), inner]
    return found


def _is_hidden(name: str) -> bool:
    return name.startswith((".", "_"))
