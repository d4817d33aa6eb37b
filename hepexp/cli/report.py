"""hepexp report: one HTML page about a run or an experiment, for a mail, a meeting or an archive."""

from __future__ import annotations

import sys
from argparse import RawDescriptionHelpFormatter
from pathlib import Path
from typing import TYPE_CHECKING

from hepexp.cli.output_files import add_overwrite, check_target
from hepexp.cli.parser import Parser
from hepexp.errors import ConfigError, DataError
from hepexp.spelling import visible

if TYPE_CHECKING:
    from hepexp.compare.groups import Group

DESCRIPTION = """\
Write one self-contained HTML page: configuration, provenance, metrics with errors next to published figures, and the
plots. It opens in any browser, without a server.

  hepexp report latest                         runs/<experiment>/<run>/report.html
  hepexp report hepexp                         all runs of an experiment, compared: runs/hepexp/report.html
  hepexp report runs/hepexp/*pfn* --out pfn.html"""


def main(args: list[str]) -> int:
    parser = Parser(prog="hepexp report", description=DESCRIPTION, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("runs", metavar="RUN|EXPERIMENT", nargs="+", help="as for hepexp compare")
    parser.add_argument(
        "--out", type=Path, help="the page, .html; default: report.html in the folder of RUN or EXPERIMENT"
    )
    add_overwrite(parser)
    options = parser.parse_args(args)
    if options.out and options.out.suffix not in (".html", ".htm"):
        raise ConfigError(f"--out must end in .html, got {options.out}")
    if options.out:
        check_target(options.out, "--out", options.overwrite)

    from hepexp.cli.compare import say_left_out
    from hepexp.compare.columns import columns
    from hepexp.compare.groups import group
    from hepexp.compare.report import write_report
    from hepexp.compare.sections import sections
    from hepexp.compare.select import select
    from hepexp.compare.table import Table
    from hepexp.config.paths import runs_dir
    from hepexp.tracking import write_guard

    records, left_out = select(options.runs)
    say_left_out(left_out)
    tables = []
    for section in sections(records):
        groups = group(section.records)
        tables.append(Table(groups, columns(groups), _compared(groups), title=section.title))
    one = len(records) == 1
    folder = records[0].path if one else records[0].path.parent
    named = {Path(word).resolve() for word in options.runs}
    if not options.out and not write_guard.is_own(folder) and named.isdisjoint([folder, *folder.parents]):
        raise ConfigError(f"the report would go to {folder}, which is not below {runs_dir()}; give a file: --out FILE")
    path = options.out or folder / "report.html"
    title = records[0].folder.label if one else f"{folder.name}: {len(records)} runs"
    write_report(path, title, tables, left_out)
    print(visible(str(path)))
    return 0


def _compared(groups: list[Group]):
    """Differences of AUC from the best; none where the predictions do not give them."""
    from hepexp.compare.significance import against_best

    try:
        found = against_best(groups, "auc")
    except DataError as error:
        print(f"hepexp: no differences between {', '.join(g.name for g in groups)}: {error}", file=sys.stderr)
        return []
    return [found] if found else []
