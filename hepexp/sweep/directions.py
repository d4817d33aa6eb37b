"""Which metrics a sweep can be judged by, and which way each is better."""

from __future__ import annotations

from collections.abc import Sequence

from hepexp.config.metrics import find, of_loss
from hepexp.config.suggest import did_you_mean
from hepexp.errors import ConfigError
from hepexp.metric import Metric

WORDS = {"lower": "minimize", "higher": "maximize"}


def directions_of(metrics: Sequence[str], given: Sequence[str], loss: str) -> list[str]:
    """maximize or minimize for each metric: as given, else as the metric declares.

    Parameters
    ----------
    metrics : keys of metrics.json.
    given : one word for each metric; empty for what the metrics say.
    loss : dotted path of the class of the trials' loss.

    Raises
    ------
    ConfigError : the trials' records will have no such number, or neither higher nor lower is better.
    """
    return [_direction(key, loss, word) for key, word in zip(metrics, given or [""] * len(metrics), strict=True)]


def _direction(key: str, loss: str, given: str) -> str:
    metric = find(key, loss)
    if metric is None or not is_judged_by(key, metric):
        known = choices(loss)
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


def choices(loss: str) -> list[str]:
    """Keys that trials of a loss can be judged by."""
    names = [name for metric in of_loss(loss) or () for name in metric.names]
    return [key for name in names if is_judged_by(key := name if "/" in name else f"val/{name}", find(name, loss))]


def _why_not(key: str, metric: Metric | None, known: Sequence[str]) -> str:
    if metric is None:
        return f"is not a metric of this loss{did_you_mean(key, known)}"
    if key.startswith("val/") and not metric.each_epoch:
        return "is computed on the test set only"
    return f"is not a number of metrics.json{did_you_mean(key, known)}"
