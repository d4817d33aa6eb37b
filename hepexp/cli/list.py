"""`hepexp list [GROUP|metric]`: the groups, the options of one, and all metrics."""

import sys
from pathlib import Path

from hepexp.cli import metrics
from hepexp.cli.console import console, table
from hepexp.cli.parser import Parser
from hepexp.config import catalog, plugins, yaml_file

HELP = "list the groups, the options of a group, or (with `metric`) every metric"


def main(args: list[str]) -> int:
    """Print one group's options, or every group's, each with a line that says what it is."""
    parser = Parser(prog="hepexp list", description=HELP)
    parser.add_argument("group", nargs="?", metavar="GROUP", help="e.g. model, or metric; every group by default")
    parser.add_argument("--config-dir", type=Path, action="append", help="a folder of your own configurations")
    given = parser.parse_args(args)
    if given.group in ("metric", "metrics"):
        return metrics.print_list()
    searched = catalog.folders(given.config_dir)
    groups = [catalog.check_group(given.group, searched)] if given.group else catalog.groups(searched)
    out = console()
    for group in groups:
        if not given.group:
            out.print(f"{group}=", style="bold cyan")
        indent = "" if given.group else "  "
        options = catalog.options(group, searched)
        rows = [[f"{indent}{name}", yaml_file.description(path)] for name, path in options.items()]
        out.print(table(rows or [[f"{indent}(none)", ""]], styles=["bold", ""]))
    for line in plugins.missing():
        print(f"hepexp: note: {line}", file=sys.stderr)
    return 0
