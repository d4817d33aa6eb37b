"""Write RESULTS.md from the records of runs and of benchmarks, one section at a time.

    python -m hepexp.bench.results --section "Quark/gluon tagging" RUN ...
    python -m hepexp.bench.results --section "Quark/gluon tagging" --add RUN ...     beside rows of runs elsewhere
    python -m hepexp.bench.results --section "Top tagging" --sort auc [RUN ...]      rows best first
    python -m hepexp.bench.results --section "Speed" --bench BENCH.json
    python -m hepexp.bench.results --section "Recipes" --add --sweeps runs/sweeps/NAME ...
    python -m hepexp.bench.results --section "Every task" --study runs/studies/NAME
    python -m hepexp.bench.results --section "Symmetries" --checks RUN ...            what hepexp check has found
    python -m hepexp.bench.results --section "Relevance" --explanations RUN RUN/ig    and hepexp explain

No figure is typed by hand: every row comes from metrics.json and names the command in overrides.yaml. Runs that differ
only in their seed share a row. A section of the same title is replaced, or with --add only its rows of the same
command; the others are left unchanged.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hepexp.atomic import write_text
from hepexp.bench.audits import checks_table, explanations_table
from hepexp.bench.markdown import command, markdown
from hepexp.compare.columns import columns
from hepexp.compare.groups import Group, group
from hepexp.compare.record import Record
from hepexp.config.metrics import find, heading, is_whole, lower_is_better
from hepexp.errors import ConfigError, HepexpError
from hepexp.evaluation.rounding import number, with_error
from hepexp.study.results import PUBLISHED
from hepexp.tracking import record_file
from hepexp.tracking.run_folder import RunFolder

HEAD = """\
# Results

Made by `python -m hepexp.bench.results` from the records of runs. Errors are bootstrap errors over the test examples
for a single training, and the standard deviation over seeds for several. Training times were measured on a machine with
other work running; benchmark rates are medians of alternating measurements.
"""

# what rows of benchmarks may have besides their rate, and how it is written
BESIDE = {
    "parameters": "{:,}",
    "difference": "{:.1e}",
    "latency_1": "{:.3g}",
    "latency_512": "{:.3g}",
    "batch": "{}",
    "waiting": "{:.1%}",
    "synchronisations": "{}",
    "memory": "{:.3g}",
    "compile_seconds": "{:.0f}",
    "note": "{}",
}


def runs_table(folders: Sequence[RunFolder], metrics: Sequence[str] | None = None) -> str:
    """A Markdown table with one row per setting.

    Parameters
    ----------
    metrics : columns; by default the usual metrics that the runs have.
    """
    groups = group([Record(folder) for folder in folders])
    shown = [column for column in columns(groups, metrics) if column.metric != "train/epochs"]
    header = ["command", *(column.text for column in shown), "epochs", "data", "hardware"]
    return markdown([header, ["---"] * len(header), *(_row(found, [c.metric for c in shown]) for found in groups)])


def _row(found: Group, metrics: Sequence[str]) -> list[str]:
    record = found.records[0]
    figures = {metric: found.figure(metric) for metric in metrics}
    return [
        command(found),
        *[
            number(f.value) if is_whole(m) or isinstance(f.value, str) else with_error(f.value, f.error)
            for m, f in figures.items()
        ],
        number(found.figure("train/epochs").value),
        str(record.metrics["data/source"]),
        _hardware(record.folder.environment["hardware"]),
    ]


def _hardware(hardware: dict[str, Any]) -> str:
    return ", ".join([f"{hardware['cores']} cores", *[gpu["name"] for gpu in hardware["gpus"]]])


def sweeps_table(folders: Sequence[Path]) -> str:
    """A Markdown table with one row per trial of each sweep: its command, and the metric that it was judged by."""
    lines = []
    for folder in folders:
        with (folder / "trials.csv").open(encoding="utf-8", newline="") as file:
            trials = [row for row in csv.DictReader(file) if row["state"] == "COMPLETE"]
        columns = list(trials[0])
        metric, keys = columns[2], columns[3 : columns.index("seconds")]
        words = shlex.split((folder / "best.txt").read_text(encoding="utf-8").splitlines()[0])[2:]
        kept = [word for word in words if word.partition("=")[0] not in (*keys, "name")]
        for i, trial in enumerate(sorted(trials, key=lambda row: [float(row[key]) for key in keys])):
            command = f"`hepexp train {shlex.join(kept)}`" if i == 0 else ""
            values = ", ".join(f"{key}={trial[key]}" for key in keys)
            lines.append([command, values, f"{metric} {float(trial[metric]):.4f}", f"{float(trial['seconds']):.0f}"])
    return markdown([["command", "with", "best epoch", "seconds"], ["---"] * 4, *lines])


def study_table(folder: Path) -> str:
    """What a study has found beside what was published, with the study's own command."""
    _, _, command, _, *table = (folder / PUBLISHED).read_text(encoding="utf-8").splitlines()
    return "\n".join([f"`{command.strip()}`", "", *table])


def bench_table(rows: list[dict]) -> str:
    """A Markdown table of `hepexp bench --json`."""
    header = ["case", "implementation", "per second"]
    beside = [key for key in BESIDE if any(key in row for row in rows)]
    lines = [[*header, *beside], ["---"] * (len(header) + len(beside))]
    for row in rows:
        rate = "" if row["per_second"] is None else f"{row['per_second']:.3g}"
        more = [BESIDE[key].format(row[key]) if key in row else "" for key in beside]
        lines.append([row["case"], row["implementation"], rate, *more])
    return markdown(lines)


def with_section(text: str, title: str, content: str) -> str:
    """The text of RESULTS.md with a section replaced, or appended."""
    made = f"## {title}\n\n{content.strip()}\n"
    found = _section(text, title)
    if found:
        return (text[: found.start()] + made + "\n" + text[found.end() :]).rstrip() + "\n"
    return f"{text.rstrip()}\n\n{made}"


def added(text: str, title: str, table: str) -> str:
    """A table with the rows that the section of this title has for other commands before its own.

    Raises
    ------
    ConfigError : the columns of the two differ.
    """
    found = _section(text, title)
    before = [line for line in found.group().splitlines() if line.startswith("|")] if found else []
    head, line, *rows = table.splitlines()
    if before and before[0] != head:
        raise ConfigError(f"--add needs the columns of the section, {before[0]}, got {head}; choose them by --columns")
    made = _by_command(rows)
    kept = [row for command, block in _by_command(before[2:]).items() if command not in made for row in block]
    return "\n".join([head, line, *kept, *rows])


def ordered(table: str, metric: str) -> str:
    """A table with its rows best first by the mean of a metric, those that lack it last.

    Raises
    ------
    ConfigError : the table has no column of that metric.
    """
    head, line, *rows = (row for row in table.splitlines() if row.startswith("|"))
    key = next((key for key in (metric, f"test/{metric}", f"model/{metric}", f"train/{metric}") if find(key)), metric)
    headings = [cell.strip() for cell in head.strip("| ").split(" | ")]
    if heading(key) not in headings:
        raise ConfigError(
            f"--sort {metric}: the table has no column {heading(key)!r}; its columns: {', '.join(headings)}"
        )
    place, sign = headings.index(heading(key)), 1 if lower_is_better(key) else -1

    def rank(row: str) -> tuple[bool, float]:
        found = re.match(r"-?[\d.]+(e[-+]?\d+)?", row.strip("| ").split(" | ")[place].strip().replace(",", ""))
        return (found is None, sign * float(found[0]) if found else 0)

    return "\n".join([head, line, *sorted(rows, key=rank)])


def _by_command(rows: Sequence[str]) -> dict[str, list[str]]:
    """The rows of each command; a row without one, as of a sweep, belongs to the command above it."""
    blocks: dict[str, list[str]] = {}
    command = ""
    for row in rows:
        command = row.split(" | ", 1)[0].strip("| ") or command
        blocks.setdefault(command, []).append(row)
    return blocks


def _table(text: str, title: str) -> str:
    if not (found := _section(text, title)):
        raise ConfigError(f"--section {title!r}: RESULTS.md has no such section")
    return found.group().partition("\n")[2]


def _section(text: str, title: str) -> re.Match[str] | None:
    return re.search(rf"^## {re.escape(title)}\n.*?(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)


def main(args: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("runs", nargs="*", metavar="RUN")
    parser.add_argument("--section", required=True, help="title of the section to write")
    parser.add_argument("--add", action="store_true", help="keep the section's rows of other commands")
    parser.add_argument("--sort", metavar="METRIC", help="rows best first; without RUN those that the section has")
    parser.add_argument("--columns", metavar="METRIC,...", help="columns of the table")
    parser.add_argument("--bench", type=Path, help="output of `hepexp bench --json`, in place of runs")
    parser.add_argument("--sweeps", type=Path, nargs="+", metavar="FOLDER", help="folders of sweeps, in place of runs")
    parser.add_argument("--study", type=Path, metavar="FOLDER", help="a study's figures beside the published ones")
    for verb, name in (("check", "--checks"), ("explain", "--explanations")):
        about = f"folders with {verb}.json in those of their runs, in place of runs"
        parser.add_argument(name, type=Path, nargs="+", metavar="FOLDER", help=about)
    parser.add_argument("--out", type=Path, default=Path("RESULTS.md"))
    options = parser.parse_args(args)
    sources = (options.bench, options.sweeps, options.study, options.checks, options.explanations)
    given = sum(map(bool, (options.runs, *sources)))
    if given != 1 and not (options.sort and not given):
        parser.error(
            "give either RUN ..., --bench FILE, --sweeps FOLDER ..., --study FOLDER, --checks FOLDER ... or "
            "--explanations FOLDER ..., or --sort METRIC for the section as it is"
        )
    if options.sort and any(sources):
        parser.error("--sort is for RUN ...")
    if options.add and (options.bench or options.study or options.checks):
        parser.error("--add is for RUN ..., --sweeps and --explanations")
    if options.bench and not options.bench.is_file():
        parser.error(f"no file {options.bench}")
    text = options.out.read_text(encoding="utf-8") if options.out.is_file() else HEAD
    try:
        content = _content(options) if given else _table(text, options.section)
        content = added(text, options.section, content) if options.add and given else content
        content = ordered(content, options.sort) if options.sort else content
    except (HepexpError, OSError, ValueError) as error:
        parser.error(str(error))
    write_text(options.out, with_section(text, options.section, content))


def _content(options: argparse.Namespace) -> str:
    if options.sweeps:
        return sweeps_table(options.sweeps)
    if options.study:
        return study_table(options.study)
    if options.checks:
        return checks_table(options.checks)
    if options.explanations:
        return explanations_table(options.explanations)
    if options.bench:
        return bench_table(record_file.read(options.bench, json.loads, list))
    wanted = options.columns.split(",") if options.columns else None
    return runs_table([RunFolder.find(run) for run in options.runs], wanted)


if __name__ == "__main__":
    main()
