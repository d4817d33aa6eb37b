"""Which metrics a sweep can be judged by, and which way each is better."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from hepexp.config import figures_of_merit
from hepexp.config.metrics import find, named, of_loss
from hepexp.config.suggest import did_you_mean
from hepexp.errors import ConfigError
from hepexp.metric import Metric

WORDS = {"lower": "minimize", "higher": "maximize"}


def directions_of(
    metrics: Sequence[str], given: Sequence[str], loss: str, evaluation: Mapping[str, Any] | None = None
) -> list[str]:
    """maximize or minimize for each metric: as given, else as the metric declares.

    Parameters
    ----------
    metrics : keys of metrics.json.
    given : one word for each metric; empty for what the metrics say.
    loss : dotted path of the class of the trials' loss.
    evaluation : the node of that group, which may ask for more figures of merit.

    Raises
    ------
    ConfigError : the trials' records will have no such number, or neither higher nor lower is better.
    """
    asked = figures_of_merit.asked_for(evaluation)
    words = zip(metrics, given or [""] * len(metrics), strict=True)
    return [_direction(key, loss, word, asked) for key, word in words]


def refuse_unknown(metrics: Sequence[str], figures: Collection[str] | None) -> None:
    """Refuse validation figures of classes or targets that the data set of the trials lacks.

    Parameters
    ----------
    figures : names of the figures that a trial has after each epoch; None if that is not known before it runs.
    """
    for key in metrics:
        split, _, name = key.partition("/")
        if figures is not None and split == "val" and name not in figures:
            close = did_you_mean(name, figures)
            raise ConfigError(f"sweep.metric={key}: no trial has {name}{close} (it has {', '.join(figures)})")


def _direction(key: str, loss: str, given: str, asked: Collection[str]) -> str:
    metric = find(key, loss)
    if metric is not None and is_judged_by(key, metric) and (name := _unasked(metric, asked)):
        raise ConfigError(f"sweep.metric={key}: no trial computes it; ask for it with evaluation.metrics=[{name}]")
    if metric is None or not is_judged_by(key, metric):
        known = choices(loss, asked)
        there_are = f" (metrics of a trial: {', '.join(known)})" if known else ""
        raise ConfigError(f"sweep.metric={key} {_why_not(key, metric, known)}{there_are}")
    if not given and metric.better == "neither":
        raise ConfigError(
            f"sweep.metric={key}: neither higher nor lower is better; give sweep.direction=maximize or minimize"
        )
    return given or WORDS[metric.better]


def is_judged_by(key: str, metric: Metric) -> bool:
    """Whether metrics.json has a number under this key that is not of the test."""
    if key.startswith("val/") and "/" not in metric.name:
        return metric.each_epoch
    return key == metric.name and metric.recorded and not key.startswith("data/")


def choices(loss: str, asked: Collection[str] = ()) -> list[str]:
    """Keys that trials of a loss can be judged by.

    Parameters
    ----------
    asked : dotted paths of the figures of merit that the trials compute; others are left out.
    """
    computed = [metric for metric in of_loss(loss) or () if not _unasked(metric, asked)]
    names = [name for metric in computed for name in metric.names]
    known = {name if "/" in name else f"val/{name}": find(name, loss) for name in names}
    return [key for key, metric in known.items() if metric is not None and is_judged_by(key, metric)]


def _unasked(metric: Metric, asked: Collection[str]) -> str:
    """The figure of merit to which a metric belongs if the trials do not compute it; else empty.

    A figure of the same name that a loss or its evaluator has is computed in any case.
    """
    owners, known = [d.owner for d in named(metric.name)], figures_of_merit.classes().values()
    if any(owner in asked or owner not in known for owner in owners):
        return ""
    return figures_of_merit.name_of(owners[0]) or ""


def _why_not(key: str, metric: Metric | None, known: Sequence[str]) -> str:
    if metric is None:
        return f"is not a metric of this loss{did_you_mean(key, known)}"
    if key.startswith("val/") and not metric.each_epoch:
        return "is computed on the test set only"
    return f"is not a number of metrics.json{did_you_mean(key, known)}"
