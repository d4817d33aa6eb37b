"""The notes below a table of figures: why a figure has no value or no error, and what each figure means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hepexp.config.metrics import find
from hepexp.metric import BOUND, ERROR, NOTE, SPLITS, is_beside

OF_MERIT = (*SPLITS, "symmetry")  # figures that have errors; sizes and times are exact


def notes(metrics: Mapping[str, Any], loss: str | None = None) -> list[str]:
    """A line for each reason, with the figures to which it applies.

    Parameters
    ----------
    metrics : flat, as metrics.json.
    loss : dotted path of the class of the run's loss.
    """
    said: dict[str, list[str]] = {}
    for key in metrics:
        if not is_beside(key) and (reason := _reason(key, metrics, loss)):
            said.setdefault(reason, []).append(key)
    return [f"{', '.join(keys)}: {reason}" for reason, keys in said.items()]


def meanings(metrics: Mapping[str, Any], loss: str | None = None) -> list[tuple[str, str]]:
    """The figures of a record and what they mean; figures with the same meaning together, as test/auc and val/auc."""
    said: dict[str, list[str]] = {}
    for key in metrics:
        if not is_beside(key) and (metric := find(key, loss)):
            said.setdefault(metric.meaning, []).append(key)
    return [(", ".join(keys), meaning) for meaning, keys in said.items()]


def bound(key: str, metrics: Mapping[str, Any]) -> float | None:
    """The lower bound of a figure that has no value."""
    return metrics.get(f"{key}{BOUND}") if metrics.get(key) is None else None


def _reason(key: str, metrics: Mapping[str, Any], loss: str | None) -> str:
    metric, note = find(key, loss), metrics.get(f"{key}{NOTE}", "")
    if metrics[key] is None:
        return note or (metric and metric.undefined) or "not defined for these examples"
    if f"{key}{ERROR}" in metrics and metrics[f"{key}{ERROR}"] is None:
        if "no error" in note:
            return note
        return "; ".join(filter(None, [note, "no error, as some bootstrap replicas of the examples have no value"]))
    if note or key.partition("/")[0] not in OF_MERIT or f"{key}{ERROR}" in metrics:
        return note
    if key.startswith("val/"):
        return "no error: from validation in the best epoch"
    if metric is None or (key.startswith("train/") and "/" in metric.name):
        return ""
    return f"no error: {metric.no_error}" if metric.no_error else ""
