"""Groups of runs that differ only by their seed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from hepexp.compare.record import Record
from hepexp.compare.weights import with_short_weights
from hepexp.config.expected import Publication
from hepexp.config.metrics import is_whole
from hepexp.evaluation.published_figures import Conditions
from hepexp.evaluation.tables import bound, reason_of
from hepexp.metric import ERROR, NOTE, OTHERWISE


@dataclass(frozen=True)
class Figure:
    """A metric of a group: with one run, its own error (bootstrap over test examples); with more, the mean over them.

    Parameters
    ----------
    value : None where no run has it.
    error : of one run its bootstrap error; of several their standard deviation (n - 1); None where there is none.
    n_runs : runs that have a value.
    bound : where no run has one, the smallest of their lower bounds, e.g. for a rejection that no background passes.
    """

    value: float | str | None
    error: float | None
    n_runs: int
    bound: float | None = None


@dataclass(frozen=True)
class Group:
    """Runs of one setting.

    Parameters
    ----------
    name : what sets it apart from the other groups of a comparison.
    records : one a seed, in their order.
    repeats : older runs of the same setting and seed, not counted, as they say nothing about the spread over seeds.
    """

    name: str
    records: tuple[Record, ...]
    repeats: tuple[Record, ...] = ()

    @property
    def seeds(self) -> list[int]:
        return [record.seed for record in self.records]

    @property
    def published(self) -> tuple[Publication, ...]:
        """Publications with figures of the task; the same for all runs of a setting."""
        return self.records[0].expected.published

    @property
    def conditions(self) -> Conditions:
        """What decides whether published figures may be compared with these; all seeds have the same."""
        return self.records[0].conditions

    def without(self, metric: str) -> list[Record]:
        """The runs that have no value of a metric, where others of the group have one."""
        lacking = [record for record in self.records if record.metrics.get(metric) is None]
        return lacking if len(lacking) < len(self.records) else []

    def figure(self, metric: str) -> Figure:
        """A metric over the group's runs."""
        values = [r.metrics[metric] for r in self.records if r.metrics.get(metric) is not None]
        if not values:
            bounds = [least for record in self.records if (least := bound(metric, record.metrics)) is not None]
            return Figure(None, None, 0, min(bounds) if len(bounds) == len(self.records) else None)
        if any(isinstance(value, str) for value in values):
            return Figure(values[0] if len(set(values)) == 1 else "several", None, len(values))
        if len(self.records) == 1:
            return Figure(values[0], self.records[0].metrics.get(f"{metric}_err"), 1)
        if is_whole(metric) and len(set(values)) == 1:
            return Figure(values[0], None, len(values))
        error = float(np.std(values, ddof=1)) if len(values) > 1 else None
        return Figure(float(np.mean(values)), error, len(values))

    def lacks_error(self, metric: str) -> str:
        """Why a value has no error where others of its metric have one; empty if it has one, or none is expected."""
        found = self.figure(metric)
        if found.value is None or found.error is not None:
            return ""
        if len(self.records) > 1:
            return "no error: one run has a value" if found.n_runs == 1 else ""
        (record,) = self.records
        is_expected = f"{metric}{ERROR}" in record.metrics
        return reason_of(metric, record.metrics, record.config.get("loss._target_")) if is_expected else ""

    def measured_otherwise(self, metric: str) -> str:
        """How a run obtained a value under other conditions than its name says, as batches of 8 for 512; else empty."""
        notes = [r.metrics.get(f"{metric}{NOTE}") or "" for r in self.records if r.metrics.get(metric) is not None]
        return next((note for note in notes if note.startswith(OTHERWISE)), "")


def group(records: Sequence[Record]) -> list[Group]:
    """Groups in the order of their first runs. Of several runs of one setting and one seed the newest counts."""
    by_settings: dict[str, list[Record]] = {}
    for record in records:
        by_settings.setdefault(json.dumps(record.settings, sort_keys=True, default=str), []).append(record)
    firsts = [found[0] for found in by_settings.values()]
    called = names(firsts, [record.settings for record in firsts])
    return [_group(name, found) for name, found in zip(called, by_settings.values(), strict=True)]


def _group(name: str, records: list[Record]) -> Group:
    newest = {record.seed: record for record in sorted(records, key=lambda record: record.time)}
    kept = tuple(newest[seed] for seed in sorted(newest))
    return Group(name, kept, tuple(record for record in records if record not in kept))


def names(records: Sequence[Record], settings: Sequence[Mapping[str, Any]]) -> list[str]:
    """The task, else the model; where these are the same also what differs: options of groups first, then keys.

    Parameters
    ----------
    settings : of each record, what its name may be made from.
    """
    called = [record.choices.get("task") or record.choices["model"] for record in records]
    for name in dict.fromkeys(called):
        alike = [i for i, other in enumerate(called) if other == name]
        told_apart = _told_apart([records[i] for i in alike], [settings[i] for i in alike])
        for i, text in zip(alike, told_apart, strict=True):
            is_task = "task" in records[i].choices
            called[i] = f"{name} {text}".strip() if is_task or len(alike) < len(called) or not text else text
    return called


def _told_apart(records: list[Record], settings: list[Mapping[str, Any]]) -> list[str]:
    """What differs between runs of one task or model, as one would type it."""
    texts = [as_typed(own) for own in different([record.choices for record in records])]
    for text in dict.fromkeys(texts):
        alike = [i for i, other in enumerate(texts) if other == text]
        keys = [{k: v for k, v in settings[i].items() if not k.startswith("choices.")} for i in alike]
        for i, own in zip(alike, different(with_short_weights(keys)), strict=True):
            texts[i] = f"{text} {as_typed(own)}".strip()
    return texts


def as_typed(settings: dict[str, Any]) -> str:
    return " ".join(f"{key}={typed_value(value)}" for key, value in settings.items())


def typed_value(value: Any) -> str:
    """As one would type it, without spaces, at which a shell or a narrow terminal would break it."""
    return value if isinstance(value, str) else json.dumps(value, default=str, separators=(",", ":"))


def different(settings: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """For each, the keys that are not the same in all."""
    keys = list(dict.fromkeys(key for own in settings for key in own))
    texts = {key: {json.dumps(own.get(key), default=str) for own in settings} for key in keys}
    return [{key: own.get(key) for key in keys if len(texts[key]) > 1} for own in settings]
