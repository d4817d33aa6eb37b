"""Metrics as columns: which are shown by default, and how they are called on a terminal and in LaTeX."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hepexp.compare.groups import Group
from hepexp.config.suggest import did_you_mean
from hepexp.errors import ConfigError

# metric -> heading in text and in LaTeX; those that the runs have are shown by default, in this order
HEADINGS = {
    "test/accuracy": ("accuracy", "accuracy"),
    "test/auc": ("AUC", "AUC"),
    "test/rejection_0.5": ("1/εB (εS=0.5)", r"$1/\varepsilon_B$ ($\varepsilon_S=0.5$)"),
    "test/rejection_0.3": ("1/εB (εS=0.3)", r"$1/\varepsilon_B$ ($\varepsilon_S=0.3$)"),
    "test/knn_accuracy": ("kNN accuracy", "$k$NN accuracy"),
    "test/knn_auc": ("kNN AUC", "$k$NN AUC"),
    "test/probe_accuracy": ("probe accuracy", "probe accuracy"),
    "test/probe_auc": ("probe AUC", "probe AUC"),
    "test/pair_accuracy": ("pair accuracy", "pair accuracy"),
    "test/reconstruction_mse": ("reconstruction MSE", "reconstruction MSE"),
    "test/anomaly_auc": ("anomaly AUC", "anomaly AUC"),
    "symmetry/angle_error_deg": ("angle error (deg)", r"angle error ($^\circ$)"),
    "model/parameters": ("parameters", "parameters"),
}


@dataclass(frozen=True)
class Column:
    """A metric with its headings."""

    metric: str

    @property
    def text(self) -> str:
        return HEADINGS.get(self.metric, (self.metric, ""))[0]

    @property
    def latex(self) -> str:
        escaped = self.metric.replace("_", r"\_")
        return HEADINGS.get(self.metric, ("", escaped))[1]


def columns(groups: Sequence[Group], wanted: Sequence[str] | None = None) -> list[Column]:
    """The columns of a table of these groups.

    Parameters
    ----------
    wanted : metrics, by their names in metrics.json; `test/` may be left out. By default those of HEADINGS that the
        runs have, or every test metric where they have none of these.

    Raises
    ------
    ConfigError : no run has a metric of that name.
    """
    metrics = [record.metrics for group in groups for record in group.records]
    known = list(dict.fromkeys(key for own in metrics for key, value in own.items() if value is not None))
    if wanted is not None:
        return [Column(named(name, known)) for name in wanted]
    found = [key for key in HEADINGS if key in known]
    if found == ["model/parameters"] or not found:
        found = [k for k in known if k.startswith(("test/", "symmetry/")) and not k.endswith("_err")] + found
    return [Column(key) for key in found]


def named(name: str, known: Sequence[str]) -> str:
    """The metric that is meant by its name, with or without `test/`."""
    for candidate in (name, f"test/{name}"):
        if candidate in known:
            return candidate
    shown = [key for key in known if not key.endswith("_err")]
    raise ConfigError(f"no run has a metric {name!r}{did_you_mean(name, shown)} (metrics: {', '.join(shown)})")
