"""Tables of figures next to reference values, the notes below them, and the jobs of a multirun."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from hepexp.config.metrics import columns as usual_columns
from hepexp.config.metrics import find, heading
from hepexp.evaluation.rounding import number, with_error
from hepexp.metric import AT_LEVEL, BOUND, ERROR, NOTE, is_beside
from hepexp.splits import SPLITS
from hepexp.text_table import Column, TextTable

if TYPE_CHECKING:
    from rich.text import Text

    from hepexp.evaluation.published_figures import Beside

MOST_COLUMNS = 3  # figures of a job; the overrides need room
COLOURS = {"FINISHED": "green", "FAILED": "red", "KILLED": "yellow", "LOST": "yellow"}
OF_MERIT = (*SPLITS, "symmetry")  # figures that have errors; sizes and times are exact


class MultirunJobLike(Protocol):
    """What `jobs_table` reads of a job: its number, its overrides, its status, why it failed, and its metrics."""

    @property
    def number(self) -> int: ...
    @property
    def overrides(self) -> list[str]: ...
    @property
    def status(self) -> str: ...
    @property
    def error(self) -> str: ...
    @property
    def metrics(self) -> dict[str, Any]: ...


def metrics_table(
    metrics: Mapping[str, Any],
    beside: Beside | None = None,
    title: str | None = None,
    reference: str = "expected",
    notes: Sequence[str] = (),
) -> TextTable:
    """One row per metric, with its error and, if there is a figure to compare with, that figure and the difference.

    Parameters
    ----------
    metrics : flat, as metrics.json: `<key>` and `<key>_err`.
    beside : figures to compare with, by the same keys; see `hepexp.evaluation.published_figures`. A key that is not in
        `metrics` has a row too.
    reference : heading of those figures.
    notes : lines below, such as the sources of those figures.
    """
    columns = [Column("metric", "name"), Column("value", "figure", keep=2)]
    if beside:
        columns += [Column(reference, "figure", keep=1), Column("difference", "figure")]
    return TextTable(columns, metric_rows(metrics, beside or {}), title=title or "", notes=notes)


def markdown_table(metrics: Mapping[str, Any], beside: Beside | None = None) -> str:
    """The rows of `metrics_table` in Markdown."""
    header = ["metric", "value", *(["expected", "difference"] if beside else [])]
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *metric_rows(metrics, beside or {})]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def metric_rows(metrics: Mapping[str, Any], beside: Beside) -> list[list[str]]:
    """Metric and value with its error and, if there are figures to compare with, these and the difference.

    Metrics that only have a figure to compare with come last; a metric with several such figures has a row for each.
    """
    keys = [key for key in metrics if not is_beside(key)]
    rows = []
    for key in [*keys, *(key for key in beside if key not in metrics)]:
        ours = value_of(key, metrics)
        figures = [list(figure) for figure in beside.get(key) or [("", "")]] if beside else [[]]
        rows += [["" if k else key, "" if k else ours, *figure] for k, figure in enumerate(figures)]
    return rows


def value_of(key: str, metrics: Mapping[str, Any]) -> str:
    """A figure with its error as text; `> 95` if there is only a lower bound."""
    value, least = metrics.get(key), bound(key, metrics)
    if least is not None:
        return f"> {number(least)}"
    return with_error(value, metrics[f"{key}_err"]) if f"{key}_err" in metrics else number(value)


def jobs_table(jobs: Sequence[MultirunJobLike]) -> TextTable:
    """One row per job of a multirun: its own overrides, its status, its figures; below, why jobs failed."""
    from rich.text import Text

    shown = [key for key in usual_columns() if any(key in job.metrics for job in jobs)][:MOST_COLUMNS]
    figures = [Column(heading(key), "figure") for key in shown]
    columns = [Column("job", "name"), Column("status", "figure", keep=1), *figures]
    digits = len(str(len(jobs) - 1))
    shared = [word for word in jobs[0].overrides if all(word in job.overrides for job in jobs)] if len(jobs) > 1 else []
    rows: list[list[str | Text]] = []
    for job in jobs:
        ours = [value_of(key, job.metrics) if key in job.metrics else "" for key in shown]
        name = f"{job.number:>{digits}}  {' '.join(word for word in job.overrides if word not in shared)}".rstrip()
        rows.append([name, Text(job.status, COLOURS.get(job.status, "")), *ours])
    notes = [Text(f"all jobs: {' '.join(shared)}", "dim")] if shared else []
    if any(bound(key, job.metrics) is not None for job in jobs for key in shown):
        notes.append(Text(f"> {AT_LEVEL}, as no background example passes", "dim"))
    notes += [Text(f"job {job.number}: {job.error}", "red") for job in jobs if job.error]
    return TextTable(columns, rows, notes=notes, more="hepexp compare shows every run")


def notes(metrics: Mapping[str, Any], loss: str | None = None) -> list[str]:
    """A line for each reason, with the figures to which it applies.

    Parameters
    ----------
    metrics : flat, as metrics.json.
    loss : dotted path of the class of the run's loss.
    """
    said: dict[str, list[str]] = {}
    for key in metrics:
        if not is_beside(key) and (reason := reason_of(key, metrics, loss)):
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


def reason_of(key: str, metrics: Mapping[str, Any], loss: str | None) -> str:
    """Why a figure has no value or no error, or what else is noted of it; empty if nothing is."""
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
