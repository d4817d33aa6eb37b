"""hepexp compare: runs beside each other, seeds taken together, differences with errors, one figure."""

from __future__ import annotations

import io
import sys
from argparse import Namespace, RawDescriptionHelpFormatter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from hepexp.atomic import write_text
from hepexp.cli.help import Parser
from hepexp.config.suggest import did_you_mean
from hepexp.errors import ConfigError
from hepexp.evaluation.direction import small_is_good

if TYPE_CHECKING:
    from hepexp.compare.columns import Column
    from hepexp.compare.groups import Group
    from hepexp.compare.significance import Difference
    from hepexp.compare.table import Table

DESCRIPTION = """\
Compare runs: one row for all seeds of a setting, published figures below, whether differences are significant.

  hepexp compare                                            every finished run under runs/
  hepexp compare hepexp --task qmlhep_2_lorentznet          an experiment, one task
  hepexp compare runs/hepexp/*pfn* latest --sort auc        folders, patterns, MLflow ids, multiruns
  hepexp compare --filter "params.model.name = 'pfn'"       as MLflow filters
  hepexp compare --out table.tex --plot roc.pdf             for a paper"""

BY = ("accuracy", "auc", "rejection_0.3", "rejection_0.5")
FORMATS = {".txt": "table", ".md": "markdown", ".csv": "csv", ".tex": "latex"}


def main(args: list[str]) -> int:
    options = _parse(args)

    from hepexp.compare.columns import columns, named
    from hepexp.compare.groups import group
    from hepexp.compare.select import select
    from hepexp.compare.table import Table
    from hepexp.compare.test_set import refuse_different

    records, unfinished = select(options.runs, options.task, dict(map(_tag, options.tag)), options.filter)
    for path in unfinished:
        print(f"hepexp: left out {path}: it has no metrics.json (failed, killed, or still running)", file=sys.stderr)
    if not options.force:
        refuse_different(records)
    groups = group(records)
    shown = columns(groups, options.columns.split(",") if options.columns else None)
    for line in _missing(groups, shown):
        print(f"hepexp: {line}", file=sys.stderr)
    if options.sort:
        metric = named(options.sort, list(dict.fromkeys(key for record in records for key in record.metrics)))
        groups = _sorted(groups, metric, options.reverse)
    compared = None if options.force else _compared(groups, options)
    table = Table(groups, shown, *compared) if compared else Table(groups, shown)
    if options.plot:
        from hepexp.compare.overlay import overlay

        overlay(options.plot, groups)
        print(f"figure  {options.plot}", file=sys.stderr)
    _write(table, options.format or FORMATS[options.out.suffix if options.out else ".txt"], options.out)
    return 0


def _missing(groups: list[Group], shown: list[Column]) -> Iterator[str]:
    """Where a mean is not over all runs of a row, as a rejection without any background left in some of them."""
    for g in groups:
        for column in shown:
            if lacking := g.without(column.metric):
                n, which = len(g.records), ", ".join(str(record.seed) for record in lacking)
                yield (
                    f"{column.metric} has no value in {len(lacking)} of {n} runs of {g.name} (seed {which}); the "
                    "table has the mean of the others"
                )


def _sorted(groups: list[Group], metric: str, reverse: bool) -> list[Group]:
    """Best first; groups without the metric last."""
    value = {g.name: g.figure(metric).value for g in groups}
    have = [g for g in groups if value[g.name] is not None]
    down = small_is_good(metric) == reverse
    have.sort(key=lambda g: value[g.name], reverse=down)
    return have + [g for g in groups if value[g.name] is None]


def _compared(groups: list[Group], options: Namespace) -> tuple[list[Difference], Column, str] | None:
    """Differences from the reference, their metric, and its name; None where no recorded scores can be compared."""
    from hepexp.compare.columns import Column
    from hepexp.compare.significance import differences

    by_name = {g.name: k for k, g in enumerate(groups)}
    if options.against and options.against not in by_name:
        close = did_you_mean(options.against, by_name)
        raise ConfigError(f"--against {options.against!r} is no row{close} (rows: {', '.join(by_name)})")
    candidates = [f"test/{prefix}{options.by}" for prefix in ("", "probe_")]
    metric = next((m for m in candidates if all(g.figure(m).value is not None for g in groups)), None)
    if metric is None or len(groups) < 2:
        if options.against:
            raise ConfigError(f"--against needs two settings whose runs all have test/{options.by}; see --by")
        return None
    best = max(range(len(groups)), key=lambda k: groups[k].figure(metric).value)
    reference = by_name[options.against] if options.against else best
    found = differences(groups, reference, options.by, options.bootstrap, seed=0)
    return found, Column(metric), groups[reference].name


def _tag(text: str) -> tuple[str, str]:
    key, sign, value = text.partition("=")
    if not sign:
        raise ConfigError(f"--tag expects KEY=VALUE, got {text!r}")
    return key, value


def _write(table: Table, form: str, out: Path | None) -> None:
    if form == "table":
        from rich.console import Console

        from hepexp.cli.console import console

        if out is None:
            console().print(table.terminal())
            return
        text = io.StringIO()
        Console(file=text, width=200).print(table.terminal())
        content = text.getvalue()
    else:
        content = getattr(table, form)()
    if out is None:
        print(content, end="")
    else:
        write_text(out, content)
        print(f"table   {out}", file=sys.stderr)


def _parse(args: list[str]):
    parser = Parser(prog="hepexp compare", description=DESCRIPTION, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("runs", metavar="RUN", nargs="*", help="run folders, patterns, MLflow ids, latest, experiments")
    parser.add_argument("--task", help="runs of this task")
    parser.add_argument("--tag", metavar="KEY=VALUE", action="append", default=[], help="runs with this tag")
    parser.add_argument("--filter", metavar="TEXT", help="runs that MLflow finds by this filter")
    parser.add_argument("--columns", metavar="METRIC,...", help="metrics to show, e.g. auc,rejection_0.3,train/seconds")
    parser.add_argument("--sort", metavar="METRIC", help="best first")
    parser.add_argument("--reverse", action="store_true", help="worst first")
    parser.add_argument("--by", choices=BY, default="auc", help="the metric of the differences (auc)")
    parser.add_argument("--against", metavar="SETTING", help="row that differences are taken from (the best)")
    parser.add_argument("--bootstrap", metavar="N", type=int, default=300, help="replicas of the test set (300)")
    parser.add_argument("--format", choices=tuple(FORMATS.values()), help="table (default), markdown, csv, latex")
    parser.add_argument("--out", type=Path, help="file for the table: .txt, .md, .csv, .tex")
    parser.add_argument("--plot", type=Path, help="figure of ROC, scores and learning curves: .png or .pdf")
    parser.add_argument("--force", action="store_true", help="compare runs with different test sets nevertheless")
    options = parser.parse_args(args)
    if options.out and options.out.suffix not in FORMATS:
        raise ConfigError(f"--out must end in {', '.join(FORMATS)}, got {options.out}")
    if options.plot and options.plot.suffix not in (".png", ".pdf"):
        raise ConfigError(f"--plot must end in .png or .pdf, got {options.plot}")
    if options.bootstrap < 2:
        raise ConfigError(f"--bootstrap must be >= 2, got {options.bootstrap}")
    return options
