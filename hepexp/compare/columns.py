"""Metrics as columns: which are shown by default, and their headings on a terminal and in LaTeX."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hepexp.compare.groups import Group
from hepexp.config import metrics
from hepexp.config.suggest import did_you_mean
from hepexp.errors import ConfigError
from hepexp.evaluation.tables import bound
from hepexp.metric import is_beside


@dataclass(frozen=True)
class Column:
    """A metric with its headings."""

    metric: str

    @property
    def text(self) -> str:
        return metrics.heading(self.metric)

    @property
    def latex(self) -> str:
        return metrics.latex(self.metric)


def columns(groups: Sequence[Group], wanted: Sequence[str] | None = None) -> list[Column]:
    """The columns of a table of these groups.

    Parameters
    ----------
    wanted : metrics, by their names in metrics.json; `test/`, `model/` and `train/` may be left out. By default those
        that are declared as columns and that the runs have, or every test metric if they have none of these.

    Raises
    ------
    ConfigError : no run has a metric of that name.
    """
    recorded = [record.metrics for group in groups for record in group.records]
    known = list(dict.fromkeys(key for own in recorded for key in own if has(own, key)))
    if wanted is not None:
        return [Column(metric) for metric in dict.fromkeys(named(name, known) for name in wanted)]
    found = [key for key in metrics.columns() if key in known]
    if found == ["model/parameters"] or not found:
        found = [k for k in known if k.startswith(("test/", "symmetry/")) and not is_beside(k)] + found
    return [Column(key) for key in found]


def has(metrics: Mapping[str, Any], key: str) -> bool:
    """Whether there is a value or a lower bound of a metric."""
    return metrics.get(key) is not None or bound(key, metrics) is not None


def named(name: str, known: Sequence[str]) -> str:
    """The metric of this name, with or without `test/`, `model/` or `train/`; a name alone is that of the test."""
    for prefix in ("", "test/", "model/", "train/"):
        if f"{prefix}{name}" in known:
            return f"{prefix}{name}"
    shown = [key for key in known if not is_beside(key)]
    raise ConfigError(f"no run has a metric {name!r}{did_you_mean(name, shown)} (metrics: {', '.join(shown)})")
