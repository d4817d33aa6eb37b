"""Tables for the terminal: a run's figures beside the published ones, and the jobs of a multirun."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from hepexp.evaluation.rounding import ABSENT, number, with_error
from hepexp.text_table import Column, TextTable

if TYPE_CHECKING:
    from rich.table import Table

COLUMNS = {
    "accuracy": "test/accuracy",
    "AUC": "test/auc",
    "1/εB (0.3)": "test/rejection_0.3",
}
COLOURS = {"FINISHED": "green", "FAILED": "red", "KILLED": "yellow", "LOST": "yellow"}


class JobLike(Protocol):
    """What `jobs_table` reads of a job: its place, its overrides, its status, why it failed, and its metrics."""

    number: int
    overrides: list[str]
    status: str
    error: str
    metrics: dict[str, Any]


def metrics_table(
    metrics: Mapping[str, Any],
    expected: Mapping[str, float] | None = None,
    title: str | None = None,
    reference: str = "published",
) -> Table:
    """One row a metric, with its error and, where there is a figure to compare with, the difference.

    Parameters
    ----------
    metrics : flat, as metrics.json: `<key>` and `<key>_err`.
    expected : figures to compare with, by the same keys. A key that `metrics` lacks has a row nevertheless.
    reference : heading of those figures.

    Returns
    -------
    A table; the difference is in units of our error alone, as published figures mostly have none.
    """
    expected = expected or {}
    table = _table(title)
    table.add_column("metric", no_wrap=True)
    table.add_column("value", justify="right", no_wrap=True)
    if expected:
        table.add_column(reference, justify="right", no_wrap=True)
        table.add_column("difference", justify="right", no_wrap=True)
    for row in _beside(metrics, expected):
        table.add_row(*row)
    return table


def markdown_table(metrics: Mapping[str, Any], expected: Mapping[str, float] | None = None) -> str:
    """The rows of `metrics_table` in Markdown."""
    heading = ["metric", "value", *(["published", "difference"] if expected else [])]
    lines = [heading, ["---", *["---:"] * (len(heading) - 1)], *_beside(metrics, expected or {})]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def metric_rows(metrics: Mapping[str, Any], expected: Mapping[str, float]) -> list[tuple[str, str]]:
    """Each metric with its value and error as text, then those that are only expected."""
    keys = [key for key in metrics if not (key.endswith("_err") and key.removesuffix("_err") in metrics)]
    keys += [key for key in expected if key not in metrics]
    figures = {key: (metrics.get(key), metrics.get(f"{key}_err")) for key in keys}
    return [(k, with_error(*f) if f"{k}_err" in metrics else number(f[0])) for k, f in figures.items()]


def jobs_table(jobs: Sequence[JobLike]) -> TextTable:
    """One row a job of a multirun: what it changed, how it ended, its figures; below, why jobs failed."""
    from rich.text import Text

    shown = {name: key for name, key in COLUMNS.items() if any(key in job.metrics for job in jobs)}
    columns = [Column("job", "name"), Column("status", "figure", keep=1), *(Column(name, "figure") for name in shown)]
    digits = len(str(len(jobs) - 1))
    rows = []
    for job in jobs:
        figures = [
            with_error(job.metrics[key], job.metrics.get(f"{key}_err")) if key in job.metrics else ""
            for key in shown.values()
        ]
        name = f"{job.number:>{digits}}  {' '.join(job.overrides)}"
        rows.append([name, Text(job.status, COLOURS.get(job.status, "")), *figures])
    reasons = [Text(f"job {job.number}: {job.error}", "red") for job in jobs if job.error]
    return TextTable(columns, rows, notes=reasons, more="hepexp compare shows every run")


def _beside(metrics: Mapping[str, Any], expected: Mapping[str, float]) -> list[list[str]]:
    """Metric, our value and, where anything is expected, that figure and the difference; blank where there is none."""
    rows = []
    for key, ours in metric_rows(metrics, expected):
        theirs = expected.get(key)
        beside = [number(theirs), _difference(metrics.get(key), metrics.get(f"{key}_err"), theirs)] if expected else []
        rows.append([key, ours, *("" if text == ABSENT else text for text in beside)])
    return rows


def _difference(value: Any, error: float | None, expected: float | None) -> str:
    if not isinstance(value, int | float) or expected is None:
        return ABSENT
    return f"{(value - expected) / error:+.1f} σ" if error else f"{value - expected:+.3g}"


def _table(title: str | None) -> Table:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    return Table(title=Text(title) if title else None, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
