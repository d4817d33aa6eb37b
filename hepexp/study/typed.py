"""The words that are typed for a study, and those of its file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hepexp.config.command_line import CommandLine, translate

OF_SEEDS = ("seed", "seeds")


@dataclass(frozen=True)
class Typed:
    """What a command line asks of a study.

    Parameters
    ----------
    words : overrides, the last of each key.
    launcher : those of Hydra's own keys, which say who runs the jobs.
    flags : `--config-dir`.
    """

    words: list[str]
    launcher: list[str]
    flags: Mapping[str, str]

    @classmethod
    def read(cls, line: CommandLine) -> Typed:
        hydras = [word for word in line.overrides if key_of(word).startswith("hydra")]
        return cls(last_of_each([word for word in line.overrides if word not in hydras]), hydras, line.values)

    @property
    def kept_apart(self) -> list[str]:
        """The words that make other runs of the same file, sorted; more seeds are more runs of the same kind."""
        return sorted(word for word in self.words if key_of(word) not in OF_SEEDS)

    @property
    def flag_words(self) -> list[str]:
        return [word for pair in self.flags.items() for word in pair]


def key_of(word: str) -> str:
    """The key, or the group, of an override."""
    return translate([word])[0].partition("=")[0].lstrip("+~")


def last_of_each(words: list[str]) -> list[str]:
    """The last word of each key, in the order of these."""
    found: dict[str, str] = {}
    for word in words:
        found.pop(key_of(word), None)
        found[key_of(word)] = word
    return list(found.values())
