"""What the file of a study says: the group `study`."""

from __future__ import annotations

from typing import Any, ClassVar

from hepexp.config.quoting import as_typed
from hepexp.config.root import LARGEST_SEED
from hepexp.config.seeds import MOST_SEEDS
from hepexp.config.suggest import did_you_mean
from hepexp.errors import ConfigError


class StudyOptions:
    """Settings, trained along axes and over seeds, with one table and one figure of all their runs.

    Parameters
    ----------
    settings : the name of each setting, and its overrides in a line, as typed after hepexp train.
    base : overrides of every run, in a line.
    axes : keys of the configuration, and the values of each with which every setting is trained.
    seeds : seeds of each setting: how many, from 1 on, or a list.
    columns : metrics in the table, e.g. [auc, rejection_0.3, flops]; null for the usual ones.
    x : key or metric along x; null for the first axis that has several numbers, or for ROC curves of two classes if
        there is none. Values that are words, such as tasks, are evenly spaced, and all data sets share one figure.
    y : metric against x, whose differences between settings the table shows; a list for a figure of each and the
        differences in each, where runs of different losses have different ones.
    against : setting with which the others are compared, at the same values of all axes; null for the best one.
    instead : what a setting is at some values of an axis, in place of its own overrides: {task: {jetclr: {classical:
        model=pfn}}} where jetclr has no such setting.

    Raises
    ------
    ConfigError : no settings, names that cannot be shown, an axis without values, or seeds that are none.
    """

    draws: ClassVar[bool] = True  # a figure, beside the tables

    def __init__(
        self,
        settings: dict[str, str],
        base: str = "",
        axes: dict[str, list[Any]] | None = None,
        seeds: int | list[int] = 3,
        columns: list[str] | None = None,
        x: str | None = None,
        y: str | list[str] = "auc",
        against: str | None = None,
        instead: dict[str, dict[str, dict[str, str]]] | None = None,
    ):
        if not settings:
            raise ConfigError("study.settings needs one setting or more, e.g. {PFN: model=pfn, ParT: model=part}")
        if odd := [name for name in settings if not name.isprintable() or not 0 < len(name) <= 60]:
            raise ConfigError(f"study.settings: a name is 1 to 60 characters that can be printed, got {odd[0]!r}")
        if against is not None and against not in settings:
            raise ConfigError(f"study.against={against} is none of the settings ({', '.join(settings)})")
        for key, values in (axes or {}).items():
            if not values or len({as_typed(value) for value in values}) < len(values):
                raise ConfigError(f"study.axes.{key} needs distinct values, e.g. [1000, 10000], got {values}")
        if isinstance(seeds, int) and not 1 <= seeds <= MOST_SEEDS:
            raise ConfigError(f"study.seeds must be a number from 1 to {MOST_SEEDS}, or a list of seeds, got {seeds}")
        self.seeds = list(range(1, seeds + 1)) if isinstance(seeds, int) else seeds
        if not self.seeds or len(set(self.seeds)) < len(self.seeds):
            raise ConfigError(f"study.seeds needs distinct seeds, got {self.seeds}")
        if beyond := [seed for seed in self.seeds if not 0 <= seed <= LARGEST_SEED]:
            raise ConfigError(f"study.seeds must be from 0 to {LARGEST_SEED}, got {beyond[0]}")
        self.settings, self.base, self.axes = settings, base, axes or {}
        self.columns, self.x, self.against = columns, x, against
        self.y = [y] if isinstance(y, str) else y
        if not self.y or len(set(self.y)) < len(self.y):
            raise ConfigError(f"study.y needs one metric or several distinct ones, got {self.y}")
        self.instead = instead or {}
        for axis, places in self.instead.items():
            known = [as_typed(value) for value in self.axes.get(axis, ())]
            for value, replaced in places.items():
                if as_typed(value) not in known:
                    raise ConfigError(f"study.instead: {axis}={value} is not a value on study.axes")
                if odd := [setting for setting in replaced if setting not in settings]:
                    close = did_you_mean(odd[0], settings)
                    raise ConfigError(f"study.instead.{axis}.{value}: {odd[0]} is none of the settings{close}")
