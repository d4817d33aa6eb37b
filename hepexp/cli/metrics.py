"""`hepexp list metric` and `hepexp show metric=NAME`: what each figure of a record means."""

import sys

from hepexp.cli.console import console, table
from hepexp.config import figures_of_merit, metrics
from hepexp.metric import ERROR, Metric


def print_list() -> int:
    """Print every metric: its key, which way is better, its range, what it means."""
    declared = sorted((d.metric for d in metrics.declarations()), key=lambda metric: "{circuit}" in metric.name)
    rows = [list(row) for row in dict.fromkeys(map(row, declared))]  # evaluators may share a figure
    console().print(table(rows, ["metric", "better", "range", "meaning"], styles=["bold", "cyan", "dim", ""]))
    for fault in metrics.faults():
        print(f"hepexp: note: {fault}", file=sys.stderr)
    return 0


def names() -> set[str]:
    """Keys of all metrics, and the names of those of the test alone."""
    return {name for key in metrics.all_keys() for name in (key, key.removeprefix("test/"))}


def print_one(key: str) -> int:
    """Print what is known about a metric, for each class that computes it; ConfigError if nothing declares it."""
    out = console()
    for declaration in metrics.named(key):
        metric = declaration.metric
        facts = {
            "means": metric.meaning,
            "better": metric.better,
            "range": metric.range,
            "heading": metric.heading,
            "LaTeX": metric.latex,
            "error": _error(metric),
            "undefined where": metric.undefined,
            "recorded": _recorded(metric),
            "computed by": declaration.owner,
            "asked for by": _asked_for(declaration.owner),
        }
        out.print(key, style="bold", markup=False)
        out.print(table([[name, text] for name, text in facts.items() if text], styles=["cyan", ""]))
    return 0


def _asked_for(owner: str) -> str:
    name = figures_of_merit.name_of(owner)
    usual = "; computed in any case for more than two classes with a background"
    return f"evaluation.metrics=[{name}]{usual if name == figures_of_merit.OF_BACKGROUND else ''}" if name else ""


def row(metric: Metric) -> tuple[str, str, str, str]:
    """Key, which way is better, range and meaning of a metric."""
    return metrics.full_key(metric.name), metric.better, metric.range, metric.meaning


def _error(metric: Metric) -> str:
    key = metrics.full_key(metric.name)
    if metric.no_error:
        return f"none: {metric.no_error}"
    if "/" in metric.name and not metric.recorded:
        return ""
    return f"{key}{ERROR}: {metric.error}"


def _recorded(metric: Metric) -> str:
    if "/" in metric.name:
        return "metrics.json" if metric.recorded else "history.json: one value an epoch"
    key = f"metrics.json: {metrics.full_key(metric.name)}"
    if not metric.each_epoch:
        return key
    return (
        f"{key}; history.json: val/{metric.name} after each epoch (best/val/{metric.name} in MLflow: the best epoch's)"
    )
