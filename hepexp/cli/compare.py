"""hepexp compare: runs side by side, averaged over seeds, differences with errors, one figure."""

from __future__ import annotations

import io
import sys
from argparse import Namespace, RawDescriptionHelpFormatter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from hepexp.atomic import write_text
from hepexp.cli.output_files import add_overwrite, check_target, writing
from hepexp.cli.parser import Parser
from hepexp.config import figures_of_merit
from hepexp.config.metrics import find, lower_is_better
from hepexp.config.suggest import did_you_mean
from hepexp.errors import ConfigError, DataError
from hepexp.spelling import visible

if TYPE_CHECKING:
    from hepexp.compare.axis import Axis
    from hepexp.compare.columns import Column
    from hepexp.compare.groups import Group
    from hepexp.compare.sections import Section
    from hepexp.compare.table import Table

DESCRIPTION = """\
Compare runs: one row per setting, averaged over its seeds, with published figures below and the significance of the
differences. Runs that were tested on different examples, or are of different kinds, get separate tables.

  hepexp compare                                            every finished run under runs/
  hepexp compare hepexp --task qmlhep_2_lorentznet          an experiment, one task
  hepexp compare runs/hepexp/*pfn* latest --sort auc        folders, patterns, MLflow ids, multiruns
  hepexp compare --filter "params.model.name = 'pfn'"       as MLflow filters
  hepexp compare --out table.tex --plot roc.pdf             for a paper
  hepexp compare tuning --x n_train --y auc --plot auc.png  against a key; --x flops: against another metric
  hepexp compare quantum_vs_classical --x task --plot a.png   words: settings side by side, of all data sets"""

MOST_REPLICAS = 1_000_000
FORMATS = {".txt": "table", ".md": "markdown", ".csv": "csv", ".tex": "latex"}


def main(args: list[str]) -> int:
    options = _parse(args)

    from hepexp.compare.axis import Axis
    from hepexp.compare.sections import Section, refuse_several, sections
    from hepexp.compare.select import select

    records, left_out = select(options.runs, options.task, dict(map(_tag, options.tag)), options.filter)
    say_left_out(left_out)
    found = [Section("", tuple(records))] if options.force else sections(records)
    axis = Axis.named(options.x, records) if options.x else None
    if options.plot and not (axis and axis.words):  # places of a figure may be of different test sets
        refuse_several(found, "--plot")
    tables = _tables(found, options, axis)
    if options.plot:
        with writing(options.plot, "--plot"):
            _draw(tables, options, axis)
        print(f"figure  {options.plot}", file=sys.stderr)
    _write(tables, options.format or FORMATS[options.out.suffix if options.out else ".txt"], options.out)
    return 0


def _draw(tables: list[Table], options: Namespace, axis: Axis | None) -> None:
    from hepexp.compare.curves import curves, draw_curves
    from hepexp.compare.overlay import overlay, tested_on

    groups = [group for table in tables for group in table.groups]
    if axis is None:
        overlay(options.plot, groups)
        return
    draw_curves(options.plot, curves(groups, axis), axis, tables[0].columns[0].metric, tested_on(groups))


def say_left_out(runs: Mapping[Path, str]) -> None:
    from hepexp.tracking.lookup import label

    for path, fault in runs.items():
        print(visible(f"hepexp: left out {label(path)}: {fault}"), file=sys.stderr)


def _tables(found: list[Section], options: Namespace, axis: Axis | None) -> list[Table]:
    """One table per section, without those that have none of the requested columns."""
    from hepexp.compare.columns import columns, has, named
    from hepexp.compare.curves import curves, off_frontier
    from hepexp.compare.groups import group
    from hepexp.compare.significance import against_best
    from hepexp.compare.table import Table

    known = list(dict.fromkeys(key for s in found for record in s.records for key in record.metrics))
    have = [key for key in known if any(has(record.metrics, key) for s in found for record in s.records)]
    wanted = [named(name, have) for name in options.columns.split(",")] if options.columns else None
    y = named(options.y, have) if options.x else ""
    if y:
        wanted = [y]
    by = named(options.sort, known) if options.sort else None
    if not any(f"test/{prefix}{options.by}" in have for prefix in ("", "probe_")) and options.by != "auc":
        named(options.by, [key for key in have if key.startswith("test/")])  # says what there is
    tables, rows = [], []
    for section in found:
        groups = group(section.records)
        if axis:
            groups = _with_value(groups, axis, y)
            if not groups:
                continue
            groups = [point for curve in curves(groups, axis) for point in curve.groups]
        rows += [g.name for g in groups]
        own = {key for record in section.records for key in record.metrics if has(record.metrics, key)}
        if wanted is not None and not own.intersection(wanted):
            asked = f"--y {options.y}" if options.x else f"--columns {options.columns}"
            print(f"hepexp: left out {section.title}: it has none of {asked}", file=sys.stderr)
            continue
        shown = columns(groups, None if wanted is None else [key for key in wanted if key in own])
        if axis and not axis.is_key:
            shown += columns(groups, [axis.name])
        off = off_frontier(groups, axis, y) if options.plot and axis else []
        for line in (*_repeated(groups), *_missing(groups, shown), *off):
            print(visible(f"hepexp: {line}"), file=sys.stderr)
        if by:
            groups = _sorted(groups, by, options.reverse)
        compared = None
        try:
            if not options.force:
                compared = against_best(groups, options.by, options.against, options.bootstrap)
        except DataError as error:
            print(f"hepexp: no differences between {', '.join(g.name for g in groups)}: {error}", file=sys.stderr)
        title = section.title if len(found) > 1 else ""
        tables.append(Table(groups, shown, [compared] if compared else [], title))
    if axis and not rows:
        raise DataError(f"no run has a place along --x {options.x}; the lines above say why")
    if options.against and options.against not in rows:
        raise ConfigError(
            f"--against {options.against!r} is not a row{did_you_mean(options.against, rows)} (rows: {', '.join(rows)})"
        )
    return tables


def _with_value(groups: list[Group], axis: Axis, metric: str) -> list[Group]:
    """The groups that have a place along x; runs of older versions lack metrics that were not measured then.

    Nor has a cost a place among others that was measured under other conditions than they were.
    """
    left_out: dict[str, list[str]] = {}
    for g in groups:
        if not axis.is_key and g.figure(axis.name).value is None:
            why = f"no value of {axis.name}"
        else:
            notes = ((name, g.measured_otherwise(name)) for name in (axis.name, metric))
            why = next((f"{name} was {note}" for name, note in notes if note), "")
        if why:
            left_out.setdefault(why, []).append(g.name)
    for why, names in left_out.items():
        print(visible(f"hepexp: left out {', '.join(names)}: {why}"), file=sys.stderr)
    return [g for g in groups if not any(g.name in names for names in left_out.values())]


def _repeated(groups: list[Group]) -> Iterator[str]:
    """Runs that are not counted because they repeat another one."""
    for g in groups:
        if g.repeats:
            which = ", ".join(record.folder.label for record in g.repeats)
            yield f"{g.name}: only the newest run of each setting and seed counts; not counted: {which}"


def _missing(groups: list[Group], shown: list[Column]) -> Iterator[str]:
    """Where a mean is not over all runs of a row, e.g. of a rejection that no background passes in some of them."""
    from hepexp.evaluation.rounding import number
    from hepexp.evaluation.tables import bound
    from hepexp.metric import AT_LEVEL

    for g in groups:
        for column in shown:
            if lacking := g.without(column.metric):
                n, which = len(g.records), ", ".join(str(record.seed) for record in lacking)
                bounds = [least for r in lacking if (least := bound(column.metric, r.metrics)) is not None]
                above = f", where it exceeds {number(min(bounds))} ({AT_LEVEL})" if bounds else ""
                yield (
                    f"{column.metric} has no value in {len(lacking)} of {n} runs of {g.name} (seed {which}){above}; "
                    "the table shows the mean of the others"
                )


def _sorted(groups: list[Group], metric: str, reverse: bool) -> list[Group]:
    """Best first; groups without the metric last."""
    have: list[tuple[tuple[float, str], Group]] = []  # with the number, or the words
    for g in groups:
        value = g.figure(metric).value
        if value is not None:
            have.append(((0.0, value) if isinstance(value, str) else (value, ""), g))
    have.sort(key=lambda pair: pair[0], reverse=lower_is_better(metric) == reverse)
    return [g for _, g in have] + [g for g in groups if g.figure(metric).value is None]


def _tag(text: str) -> tuple[str, str]:
    key, sign, value = text.partition("=")
    if not sign:
        raise ConfigError(f"--tag expects KEY=VALUE, got {text!r}")
    return key, value


def _write(tables: list[Table], form: str, out: Path | None) -> None:
    from hepexp.compare.table import as_csv

    if form == "table":
        from rich.console import Console

        from hepexp.console import PIPE_WIDTH, console

        text = io.StringIO()
        screen = console() if out is None else Console(file=text, width=PIPE_WIDTH)
        for place, table in enumerate(tables):
            if place:
                screen.print()
            screen.print(table.terminal())
        content = text.getvalue()
    else:
        content = as_csv(tables) if form == "csv" else "\n".join(getattr(table, form)() for table in tables)
    if out is None:
        print(content, end="")
    else:
        with writing(out):
            write_text(out, content)
        print(f"table   {out}", file=sys.stderr)


def _parse(args: list[str]):
    parser = Parser(prog="hepexp compare", description=DESCRIPTION, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("runs", metavar="RUN", nargs="*", help="run folders, patterns, MLflow ids, latest, experiments")
    parser.add_argument("--task", help="runs of this task")
    parser.add_argument("--tag", metavar="KEY=VALUE", action="append", default=[], help="runs with this tag")
    parser.add_argument("--filter", metavar="TEXT", help="runs that match this MLflow filter")
    parser.add_argument("--columns", metavar="METRIC,...", help="metrics to show, e.g. auc,rejection_0.3,train/seconds")
    parser.add_argument("--sort", metavar="METRIC", help="best first")
    parser.add_argument("--reverse", action="store_true", help="worst first")
    parser.add_argument(
        "--by", metavar="METRIC", default="auc", help="metric of the test whose differences are tested (auc)"
    )
    parser.add_argument("--against", metavar="SETTING", help="row to compare the others with (the best)")
    parser.add_argument(
        "--bootstrap", metavar="N", type=int, default=300, help="bootstrap replicas of the test set (300)"
    )
    parser.add_argument("--format", choices=tuple(FORMATS.values()), help="table (default), markdown, csv, latex")
    parser.add_argument("--out", type=Path, help="file for the table: .txt, .md, .csv, .tex")
    parser.add_argument("--x", metavar="KEY|METRIC", help="what the figure has along x, e.g. n_train, flops, task")
    parser.add_argument("--y", metavar="METRIC", help="metric against --x (auc)")
    parser.add_argument("--plot", type=Path, help="figure of ROC curves, scores and learning, or of --x: .png or .pdf")
    parser.add_argument(
        "--force", action="store_true", help="put runs with different test sets in one table, without significance"
    )
    add_overwrite(parser)
    options = parser.parse_args(args)
    if options.y and not options.x:
        raise ConfigError("--y needs --x, the key or metric that it is drawn against, e.g. --x n_train --y auc")
    if options.x and options.columns:
        raise ConfigError("--columns has no meaning with --x: the table has the metric --y")
    options.y = options.y or "auc"
    options.by = options.by.removeprefix("test/")
    if find(f"test/{options.by}") is None:
        figures_of_merit.find(options.by, "--by")  # says what there is
    if options.out and options.out.suffix not in FORMATS:
        raise ConfigError(f"--out must end in {', '.join(FORMATS)}, got {options.out}")
    if options.plot and options.plot.suffix not in (".png", ".pdf"):
        raise ConfigError(f"--plot must end in .png or .pdf, got {options.plot}")
    for option, path in (("--out", options.out), ("--plot", options.plot)):
        if path:
            check_target(path, option, options.overwrite)
    if not 2 <= options.bootstrap <= MOST_REPLICAS:
        raise ConfigError(f"--bootstrap must be from 2 to {MOST_REPLICAS:,}, got {options.bootstrap}")
    return options
