"""What a figure has along x: a key of the configuration, with numbers or words, or a metric."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeGuard

from hepexp.compare.columns import named
from hepexp.compare.groups import Group, typed_value
from hepexp.compare.record import Record
from hepexp.compare.weights import with_short_weights
from hepexp.config import metrics
from hepexp.config.suggest import did_you_mean
from hepexp.errors import ConfigError

CHOICES, N_TRAIN = "choices.", "dataset.n_train"


@dataclass(frozen=True)
class Axis:
    """What a figure has along x.

    Parameters
    ----------
    name : a key of the configuration or a metric, in full.
    is_key : whether it is a key.
    words : of a key with values that are no numbers, such as a task: how each is shown, by its JSON, in the order of
        their places; empty of numbers.
    """

    name: str
    is_key: bool
    words: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def named(cls, text: str, records: Sequence[Record]) -> Axis:
        """The key or metric of this name; `n_train` and `flops` will do for `dataset.n_train` and `model/flops`.

        The words of a key are in the order of the records.

        Raises
        ------
        ConfigError : no run has it, or it is the name of several keys.
        """
        keys = list(dict.fromkeys(key for record in records for key in record.settings))
        if fitting := [text] if text in keys else [key for key in keys if key.endswith(f".{text}")]:
            if len(fitting) > 1:
                raise ConfigError(f"--x {text} may be {' or '.join(fitting)}: give the whole key")
            return cls(fitting[0], True, _words(fitting[0], records))
        known = list(dict.fromkeys(key for record in records for key in record.metrics))
        for prefix in ("model/", "train/"):
            if f"{prefix}{text}" in known:
                return cls(f"{prefix}{text}", False)
        try:
            return cls(named(text, known), False)
        except ConfigError:
            short = [*(key.rpartition(".")[2] for key in keys), *(metric.rpartition("/")[2] for metric in known)]
            close = did_you_mean(text, [*known, *keys, *short])
            raise ConfigError(f"--x {text!r} is neither a key nor a metric of these runs{close}") from None

    @property
    def group(self) -> str:
        """The group whose option the key is, such as `task`; empty of other keys."""
        return self.name.removeprefix(CHOICES) if self.is_key and self.name.startswith(CHOICES) else ""

    @property
    def heading(self) -> str:
        if self.name == N_TRAIN:
            return "training examples"
        return self.group or (self.name if self.is_key else metrics.heading(self.name))

    def of(self, group: Group) -> tuple[float, float | None]:
        """The value of a group, and the error of a metric; of words their place, from 0.

        Raises
        ------
        ConfigError : it is no number.
        """
        if not self.is_key:
            found = group.figure(self.name)
            value, error = found.value, found.error
        else:
            value, error = group.records[0].settings.get(self.name), None
            if self.words:
                return list(self.words).index(_json(value)), None
            if value is None and self.name == N_TRAIN:  # all there are
                value = group.records[0].folder.environment.get("data", {}).get("n_train")
        if not _is_number(value):
            raise ConfigError(f"--x {self.name} needs numbers, got {json.dumps(value)} in {group.name}")
        return value, error

    def typed(self, group: Group) -> str:
        """Where a group is along a key: `n_train=1000`."""
        place, _ = self.of(group)
        return f"{self.name.rpartition('.')[2]}={list(self.words.values())[int(place)] if self.words else place}"


def _words(key: str, records: Sequence[Record]) -> dict[str, str]:
    values = [record.settings.get(key) for record in records]
    if all(value is None or _is_number(value) for value in values):
        return {}
    short = with_short_weights([{key: value} for value in values])
    return {_json(value): typed_value(own[key]) for value, own in zip(values, short, strict=True)}


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)


def _is_number(value: Any) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)
