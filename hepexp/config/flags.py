"""Split a command line of `train` into Hydra's flags and overrides.

Hydra's own parser needs all overrides in a row (`a=1 -m b=2` fails); here any order is allowed.
"""

from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

from hepexp.config.suggest import did_you_mean
from hepexp.errors import ConfigError

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
    "--config-path": "use --config-dir, which adds a folder of configurations",
    "-cp": "use --config-dir, which adds a folder of configurations",
    "--experimental-rerun": "use --resume RUN",
    "--shell-completion": "use hepexp completion bash|zsh|fish",
    "-sc": "use hepexp completion bash|zsh|fish",
}
ONLY_PRINT = {"--help", "--hydra-help", "--version"}


@dataclass
class CommandLine:
    """A command line of `train` in two parts.

    Parameters
    ----------
    values : value of each flag given, an empty string for those that take none.
    overrides : the other arguments, in their order.
    """

    values: dict[str, str] = field(default_factory=dict)
    overrides: list[str] = field(default_factory=list)

    @property
    def flags(self) -> list[str]:
        """The flags as arguments for Hydra."""
        return [part for name, value in self.values.items() for part in ((name, value) if value else (name,))]

    @property
    def config_dirs(self) -> list[Path]:
        """The folder that --config-dir names, if any."""
        return [Path(self.values["--config-dir"])] if "--config-dir" in self.values else []


def split(args: list[str]) -> CommandLine:
    """Split arguments.

    Raises
    ------
    ConfigError : an unknown flag, or a flag without its value.
    """
    line = CommandLine()
    rest = deque(args)
    while rest:
        arg = rest.popleft()
        if not arg.startswith("-"):
            line.overrides.append(arg)
            continue
        name, has_value, value = arg.partition("=")
        if name in REPLACED:
            raise ConfigError(f"{name} is not supported; {REPLACED[name]}")
        flag = SHORT.get(name, name)
        if flag not in FLAGS:
            raise ConfigError(f"unknown flag '{name}'{did_you_mean(name, FLAGS)}; see: hepexp train --help")
        if FLAGS[flag] and not has_value and rest and "=" not in rest[0] and not rest[0].startswith("-"):
            value = rest.popleft()
        value = value or DEFAULTS.get(flag, "")
        if FLAGS[flag] != bool(value):
            raise ConfigError(f"{name} {'needs a' if FLAGS[flag] else 'takes no'} value; see: hepexp train --help")
        if flag in CHOICES and value not in CHOICES[flag]:
            known = CHOICES[flag]
            raise ConfigError(f"{name} {value}{did_you_mean(value, known)} (choices: {', '.join(known)})")
        line.values[flag] = value
    return line
