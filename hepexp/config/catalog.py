"""Which groups and options exist, read from the folders of YAML files."""

from pathlib import Path

from hepexp.config import paths, plugins
from hepexp.config.alias import ALIASES
from hepexp.config.suggest import did_you_mean
from hepexp.errors import ConfigError


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


def groups(searched: list[Path]) -> list[str]:
    """Names of all groups."""
    found = {child.name for folder in searched if folder.is_dir() for child in folder.iterdir() if child.is_dir()}
    return sorted(name for name in found if not name.startswith((".", "_")))


def options(group: str, searched: list[Path]) -> dict[str, Path]:
    """Options of a group and their files; of two with the same name, the one found first."""
    found: dict[str, Path] = {}
    for folder in searched:
        for path in sorted((folder / group).rglob("*.yaml")):
            found.setdefault(path.relative_to(folder / group).with_suffix("").as_posix(), path)
    return dict(sorted(found.items()))


def check_group(name: str, searched: list[Path]) -> str:
    """The group to which a name or an alias refers.

    Raises
    ------
    ConfigError : there is no such group.
    """
    known = groups(searched)
    name = ALIASES.get(name, name)
    if name not in known:
        raise ConfigError(f"unknown group '{name}'{did_you_mean(name, known)} (groups: {', '.join(known)})")
    return name


def find(group: str, name: str, searched: list[Path]) -> Path:
    """The file of an option.

    Raises
    ------
    ConfigError : the group has no such option.
    """
    found = options(group, searched)
    if name not in found:
        hints = "".join(f"; {line}" for line in plugins.missing())
        close = did_you_mean(name, found)
        raise ConfigError(f"unknown {group} '{name}'{close} (options: {', '.join(found) or 'none'}){hints}")
    return found[name]


def root_file(searched: list[Path], name: str = "train") -> Path:
    """The file of the root configuration."""
    for folder in searched:
        if (folder / f"{name}.yaml").is_file():
            return folder / f"{name}.yaml"
    raise ConfigError(f"no {name}.yaml in {', '.join(map(str, searched))}")
