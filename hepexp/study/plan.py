"""The runs of a study: every setting at every value of the axes with every seed, each as a command of its own."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any

from hydra.core.override_parser.types import Glob, Override

from hepexp.config.command_line import CommandLine, translate
from hepexp.config.compose import plain
from hepexp.config.grammar import parse
from hepexp.config.overrides import compose
from hepexp.config.quoting import as_typed
from hepexp.config.record import reads_environment, refuse_environment
from hepexp.config.root import LARGEST_SEED
from hepexp.config.seeds import counted
from hepexp.errors import ConfigError
from hepexp.study.figures import check_figures, undrawable
from hepexp.study.options import StudyOptions
from hepexp.study.settings import settings
from hepexp.study.typed import Typed, key_of, last_of_each
from hepexp.tracking.initial_weights import pinned, pinned_files

MOST_RUNS = 10_000


@dataclass(frozen=True)
class Run:
    """One run of a study.

    Parameters
    ----------
    row : the name of its row.
    words : its command, after `hepexp train`.
    config : composed from them, plain and nested.
    """

    row: str
    seed: int
    words: list[str]
    config: Mapping[str, Any]


@dataclass(frozen=True)
class Row:
    """The runs of one setting at one place along the axes, which differ by their seeds.

    Parameters
    ----------
    setting : its name.
    along : the value of each axis, as typed.
    name : what tells it apart from the other rows.
    """

    setting: str
    along: Mapping[str, str]
    name: str
    runs: tuple[Run, ...]


@dataclass(frozen=True)
class Plan:
    """A study with what was typed for it.

    Parameters
    ----------
    name : of the study.
    options : of its file.
    axes : the values of each axis, as typed; those of the command line are in place of the file's.
    rows : in the order of the settings, then of the axes.
    """

    name: str
    options: StudyOptions
    typed: Typed
    axes: Mapping[str, list[str]]
    rows: list[Row]

    @cached_property
    def runs(self) -> list[Run]:
        """In the order in which they are trained: every row once before any has a second seed."""
        return [row.runs[k] for k in range(len(self.rows[0].runs)) for row in self.rows]

    def command(self, run: Run) -> str:
        """As it can be typed in a shell."""
        return shlex.join(["hepexp", "train", *self.typed.flag_words, *run.words])

    def command_of(self, row: Row, seeds: Iterable[int]) -> str:
        """One command of a row's runs with these seeds, as it can be typed in a shell."""
        words = [word for word in row.runs[0].words if key_of(word) != "seed"]
        listed = ",".join(map(str, seeds))
        several = ["-m"] if "," in listed else []
        return shlex.join(["hepexp", "train", *several, *self.typed.flag_words, *words, f"seed={listed}"])

    @property
    def own_command(self) -> str:
        """That of the study."""
        return shlex.join(["hepexp", "study", self.name, *self.typed.flag_words, *self.typed.words])

    @cached_property
    def undrawable(self) -> str:
        """Why there will be no figure, in a line; empty if nothing is known to stand in its way, or none is meant."""
        if not self.options.draws:
            return ""
        return undrawable(self.options, self.axes, [row.runs[0].config for row in self.rows])

    @property
    def several(self) -> list[str]:
        """The axes that have more than one value."""
        return [key for key, values in self.axes.items() if len(values) > 1]


def make_plan(name: str, options: StudyOptions, typed: Typed) -> Plan:
    """The runs of a study, once every one of them has been composed and checked.

    Raises
    ------
    ConfigError : an override, of the file or typed, cannot be used; two rows would be the same runs; a figure or a
        column that no run can have.
    """
    base = _words("study.base", options.base)
    own = {setting: _words(f"study.settings.{setting}", line) for setting, line in options.settings.items()}
    axes = {translate([key])[0]: [_value(key, value) for value in values] for key, values in options.axes.items()}
    seeds, every = options.seeds, []
    for override in parse([word for word in typed.words if key_of(word) != "seeds"]):
        values, key = _values(override), override.key_or_group
        if key == "seed":
            seeds = [_seed(value) for value in values]
        elif key in axes or len(values) > 1:
            axes[key] = values
        else:
            every.append(override.input_line or "")
    if of_number := [word for word in typed.words if key_of(word) == "seeds"]:
        seeds = counted(of_number[-1], [word for word in typed.words if key_of(word) == "seed"], "seed=LIST")
    experiment = f"experiment={name.replace('/', '_')}"
    places = [dict(zip(axes, values, strict=True)) for values in product(*axes.values())]
    if (n := len(own) * len(places) * len(seeds)) > MOST_RUNS:
        raise ConfigError(f"study={name} has {n:,} runs; at most {MOST_RUNS:,} can be one study")
    instead = _instead(options)
    keys = {key_of(word) for word in typed.words}
    is_length = "trainer.max_epochs" in keys and "trainer.min_steps" not in keys  # the whole one, as of a training
    rows = []
    for (setting, usual), along in product(own.items(), places):
        row = " ".join([setting, *_place(axes, along)])
        words = next(
            (instead[key, value, setting] for key, value in along.items() if (key, value, setting) in instead), usual
        )
        placed = [f"{key}={value}" for key, value in along.items()]
        of_file = [word for word in [*base, *words] if not (is_length and key_of(word) == "trainer.min_steps")]
        whole = last_of_each([experiment, *of_file, *placed, *every])
        try:
            rows.append(_row(row, setting, along, whole, seeds, typed))
        except ConfigError as error:
            raise ConfigError(f"study={name}, {row}: {error}") from None
    _refuse_repeats(rows, typed)
    check_figures(options, [row.runs[0].config for row in rows])
    return Plan(name, options, typed, axes, rows)


def _row(name: str, setting: str, along: dict[str, str], words: list[str], seeds: list[int], typed: Typed) -> Row:
    words = pinned(words)
    composed = compose(CommandLine(dict(typed.flags), [*words, f"seed={seeds[0]}"]))
    # the file of the study may be somebody else's, too
    refuse_environment(composed, {key_of(word) for word in typed.words})
    chosen = composed.hydra.runtime.choices.items()
    choices = {group: option for group, option in chosen if "/" not in group and option not in (None, "None", "null")}
    config = {**plain(composed), "choices": choices}
    words = pinned_files(words, config.get("model") or {})
    runs = [Run(name, seed, [*words, f"seed={seed}"], {**config, "seed": seed}) for seed in seeds]
    return Row(setting, along, name, tuple(runs))


def _words(where: str, line: str) -> list[str]:
    """The overrides in a line of the file."""
    try:
        words = translate(shlex.split(line))
    except ValueError as error:
        raise ConfigError(f"{where}: cannot read {line!r}: {str(error).lower()}") from error
    for word in words:
        _refuse_foreign(where, word)
        if "=" not in word and not word.startswith("~"):
            raise ConfigError(f"{where}: cannot read {word!r}: expected KEY=VALUE, as typed after hepexp train")
        if key_of(word) == "seed":
            raise ConfigError(f"{where}: {word}: the seeds of a study are study.seeds")
    for override in parse(words):
        if override.is_sweep_override():
            raise ConfigError(
                f"{where}: {override.input_line} has several values: put them in study.axes, or write "
                f"{override.key_or_group}=[...] for a list"
            )
    return words


def _instead(options: StudyOptions) -> dict[tuple[str, str, str], list[str]]:
    """The overrides of settings that are others at a place: by axis, value as typed, and setting."""
    return {
        (translate([axis])[0], as_typed(value), setting): _words(f"study.instead.{axis}.{value}.{setting}", line)
        for axis, places in options.instead.items()
        for value, replaced in places.items()
        for setting, line in replaced.items()
    }


def _value(key: str, value: Any) -> str:
    """A value of an axis, as typed."""
    word = f"{key}={as_typed(value)}"
    _refuse_foreign(f"study.axes.{key}", word)
    if key_of(word) == "seed":
        raise ConfigError("study.axes.seed: the seeds of a study are study.seeds")
    if parse([word])[0].is_sweep_override():
        raise ConfigError(f"study.axes.{key}: {value!r} is several values; expected one, or a list in brackets")
    return as_typed(value)


def _refuse_foreign(where: str, word: str) -> None:
    """Only the command line may say what Hydra does, and what of the environment gets into a record."""
    if word.lstrip("+~").startswith(("hydra", "-")):
        raise ConfigError(f"{where}: a run must not set {word!r}; only GROUP=OPTION and KEY=VALUE")
    if reads_environment(word):
        raise ConfigError(f"{where}: {word!r}: a file must not record what is in the environment; type it, KEY=VALUE")


def _values(override: Override) -> list[str]:
    """One or several values that were typed."""
    if not override.is_sweep_override():
        return [override.get_value_element_as_str()]
    if not override.is_discrete_sweep() or isinstance(override.value(), Glob):
        raise ConfigError(f"{override.input_line}: expected values, e.g. {override.key_or_group}=1,2,3")
    return list(override.sweep_string_iterator())


def _seed(text: str) -> int:
    if not text.isdigit() or int(text) > LARGEST_SEED:
        raise ConfigError(f"seed must be from 0 to {LARGEST_SEED}, got {text}")
    return int(text)


def _place(axes: Mapping[str, list[str]], along: Mapping[str, str]) -> list[str]:
    """Where a row is along the axes that have several values: `n_train=1000`."""
    several = [key for key, values in axes.items() if len(values) > 1]
    short = [key.rpartition(".")[2] for key in several]
    names = short if len(set(short)) == len(short) else several
    return [f"{name}={along[key]}" for name, key in zip(names, several, strict=True)]


def _refuse_repeats(rows: list[Row], typed: Typed) -> None:
    known: dict[str, str] = {}
    for row in rows:
        same = json.dumps(settings(row.runs[0].config), sort_keys=True, default=str)
        if (other := known.setdefault(same, row.name)) != row.name:
            raise ConfigError(
                f"{other} and {row.name} would be the same runs"
                + (f" with {' '.join(typed.kept_apart)}: leave out what sets them apart" if typed.kept_apart else "")
            )
