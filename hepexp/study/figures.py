"""What a study draws, checked before its runs are trained for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

from hepexp.compare.curves import MARKERS
from hepexp.compare.places import MOST
from hepexp.config import metrics
from hepexp.config.annotations import TARGET
from hepexp.config.nested import flatten
from hepexp.config.suggest import did_you_mean
from hepexp.errors import ConfigError
from hepexp.figures import COLOURS
from hepexp.study.options import StudyOptions

PREFIXES = ("", "test/", "model/", "train/")  # that may be left out of the name of a metric
Configs = Sequence[Mapping[str, Any]]  # one of each row, plain and nested


def check_figures(options: StudyOptions, configs: Configs) -> None:
    """Refuse a name along x or y, or of a column, that no run of any study can have.

    Raises
    ------
    ConfigError : it is neither a key of these configurations nor a metric.
    """
    for key, names in (("y", options.y), ("columns", options.columns or [])):
        for name in names:
            if not _is_metric(name):
                close = did_you_mean(name, [*metrics.all_keys(), *map(_short, metrics.all_keys())])
                raise ConfigError(f"study.{key}: there is no metric {name!r}{close}; see: hepexp list metric")
    if options.x is None or _is_metric(options.x) or _keys(options.x, configs):
        return
    keys = list(dict.fromkeys(key for config in configs for key in flatten(config)))
    close = did_you_mean(options.x, [*keys, *metrics.all_keys(), *map(_short, [*keys, *metrics.all_keys()])])
    raise ConfigError(f"study.x: {options.x!r} is neither a key nor a metric{close}")


def undrawable(options: StudyOptions, axes: Mapping[str, Sequence[str]], configs: Configs) -> str:
    """Why runs of these configurations give no figure, in a line; empty if nothing is known to stand in its way."""
    losses = {config["loss"][TARGET] for config in configs if "loss" in config}
    along = options.x or first_of_numbers(axes)
    if along is None:
        if losses and not any(_is_metric(name, loss) for loss in losses for name in ("auc", "probe_auc")):
            return "study.x is null, for ROC curves, and these runs classify nothing: name a key or a metric"
        return _too_many(len(options.settings) * prod(map(len, axes.values())), len(COLOURS))
    if losses and not any(_is_metric(name, loss) for loss in losses for name in options.y):
        return f"study.y: no run has {' or '.join(options.y)}; see: hepexp list metric"
    found = _keys(along, configs)
    if not found:  # a metric
        return _too_many(len(options.settings), len(COLOURS) * len(MARKERS))
    values = [flatten(config).get(found[0]) for config in configs]
    numbers = [value is None or (isinstance(value, int | float) and not isinstance(value, bool)) for value in values]
    if not all(numbers) and (places := len({str(value) for value in values})) > MOST:
        return f"study.x={along} has {places} places; a figure of words has at most {MOST}"
    return _too_many(len(options.settings), len(COLOURS))  # of more at several places, each has a figure


def first_of_numbers(axes: Mapping[str, Sequence[str]]) -> str | None:
    """The first axis that has several numbers."""
    return next((key for key, values in axes.items() if len(values) > 1 and all(map(_is_number, values))), None)


def _too_many(curves: int, most: int) -> str:
    return f"a figure of {curves} curves would be unreadable; at most {most}" if curves > most else ""


def _keys(name: str, configs: Configs) -> list[str]:
    """The keys of this name, which may be the end of them."""
    keys = dict.fromkeys(key for config in configs for key in flatten(config))
    return [name] if name in keys else [key for key in keys if key.endswith(f".{name}")]


def _is_metric(name: str, loss: str | None = None) -> bool:
    return any(metrics.find(f"{prefix}{name}", loss) for prefix in PREFIXES)


def _short(key: str) -> str:
    return key.rpartition("/" if "/" in key else ".")[2]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
