"""A command line of `train`: Hydra's flags and overrides, in any order, and `data` for the group `dataset`.

Hydra's own parser needs all overrides in a row (`a=1 -m b=2` fails).
"""

import re
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from hepexp.config.suggest import closest, did_you_mean
from hepexp.errors import ConfigError

ALIASES = {"data": "dataset"}
# An override starts with an optional ~, + or ++; the group ends at =, a dot (a key of it), an @ (a package) or the end.
_ALIAS = re.compile(rf"^(~|\+\+|\+)?({'|'.join(ALIASES)})(?=[=.@]|$)")

# flag -> whether a value follows it
FLAGS = {
    "--help": False,
    "--hydra-help": False,
    "--version": False,
    "--cfg": True,
    "--resolve": False,
    "--package": True,
    "--run": False,
    "--multirun": False,
    "--config-name": True,
    "--config-dir": True,
    "--info": True,
}
SHORT = {"-h": "--help", "-c": "--cfg", "-p": "--package", "-r": "--run", "-m": "--multirun"} | {
    "-cn": "--config-name",
    "-cd": "--config-dir",
    "-i": "--info",
}
DEFAULTS = {"--info": "all"}
CHOICES = {
    "--cfg": ("job", "hydra", "all"),
    "--info": ("all", "config", "defaults", "defaults-tree", "plugins", "searchpath"),
}
REPLACED = {
    "--dry-run": "use --cfg job, which prints the configuration of a run without starting it",
    "--config-path": "use --config-dir, which adds a folder of configurations",
    "-cp": "use --config-dir, which adds a folder of configurations",
    "--experimental-rerun": "use --resume RUN",
    "--shell-completion": "use hepexp completion bash|zsh|fish",
    "-sc": "use hepexp completion bash|zsh|fish",
}
ACTIONS = ("--run", "--multirun", "--cfg", "--info", "--hydra-help", "--version")  # of which a line has at most one


@dataclass
class CommandLine:
    """A command line of `train` in two parts.

    Parameters
    ----------
    values : value of each flag given, an empty string for those that take none.
    overrides : the other arguments, in their order, aliases translated.
    """

    values: dict[str, str] = field(default_factory=dict)
    overrides: list[str] = field(default_factory=list)

    @property
    def words(self) -> list[str]:
        """The line as Hydra reads it: flags first."""
        flags = [part for name, value in self.values.items() for part in ((name, value) if value else (name,))]
        return [*flags, *self.overrides]

    @property
    def action(self) -> str:
        """What to do, as a flag: `--run` if none is given."""
        if "hydra.mode=MULTIRUN" in self.overrides:
            return "--multirun"
        return next((flag for flag in ACTIONS if flag in self.values), "--run")

    @property
    def config_dirs(self) -> list[Path]:
        """The folder that --config-dir names, if any."""
        return [Path(self.values["--config-dir"])] if "--config-dir" in self.values else []

    @property
    def config_name(self) -> str:
        """The name of the root configuration."""
        return self.values.get("--config-name", "train")


def translate(words: Iterable[str]) -> list[str]:
    """The same words with aliases replaced, in lists of values and deletions too: `data=qg` becomes `dataset=qg`."""
    return [_ALIAS.sub(lambda found: (found[1] or "") + ALIASES[found[2]], word) for word in words]


def _instead(name: str, value: str) -> str:
    """What to type in place of an unknown flag: the closest one, or the key that is meant, which has no dashes."""
    word = name.lstrip("-")
    if close := closest(word, [flag.lstrip("-") for flag in FLAGS]):
        return f"; did you mean --{close}?"
    example = f", {word}={value}" if len(word) > 1 and value and not value.startswith("-") and "=" not in value else ""
    return f"; groups and keys are typed without dashes{example}"


def read(args: list[str]) -> CommandLine:
    """Split arguments into flags and overrides, and translate aliases.

    Raises
    ------
    ConfigError : an unknown flag, a flag without its value, or flags that exclude each other.
    """
    line = CommandLine()
    rest = deque(args)
    while rest:
        arg = rest.popleft()
        if not arg.startswith("-"):
            line.overrides += translate([arg])
            continue
        name, has_value, value = arg.partition("=")
        if name in REPLACED:
            raise ConfigError(f"{name} is not supported; {REPLACED[name]}")
        flag = SHORT.get(name, name)
        if flag not in FLAGS:
            raise ConfigError(
                f"unknown flag '{name}'{_instead(name, value or next(iter(rest), ''))}; see: hepexp train --help"
            )
        if FLAGS[flag] and not has_value and rest and "=" not in rest[0] and not rest[0].startswith("-"):
            value = rest.popleft()
        value = value or DEFAULTS.get(flag, "")
        if FLAGS[flag] != bool(value):
            raise ConfigError(f"{name} {'needs a' if FLAGS[flag] else 'takes no'} value; see: hepexp train --help")
        if flag in CHOICES and value not in CHOICES[flag]:
            known = CHOICES[flag]
            raise ConfigError(f"{name} {value}{did_you_mean(value, known)} (choices: {', '.join(known)})")
        line.values[flag] = value
    asked = [flag for flag in ACTIONS if flag in line.values]
    if len(asked) > 1:
        raise ConfigError(f"{asked[0]} and {asked[1]} exclude each other: give only one of them")
    if "--resolve" in line.values and "--cfg" not in line.values:
        raise ConfigError("--resolve is for printing the config: add --cfg job")
    return line
