"""The table and the figure of a study, by the machinery of `hepexp compare`, its rows named as in the file."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hepexp.atomic import write_text
from hepexp.compare.axis import Axis
from hepexp.compare.columns import Column, columns, has, named
from hepexp.compare.curves import Curve, draw_curves
from hepexp.compare.groups import Group
from hepexp.compare.overlay import overlay, tested_on
from hepexp.compare.record import Record
from hepexp.compare.sections import Section, sections
from hepexp.compare.significance import N_BOOTSTRAP, Comparison, Difference, against_best
from hepexp.compare.table import Table, as_csv
from hepexp.errors import HepexpError
from hepexp.figures import COLOURS, about
from hepexp.learning.multirun import FINISHED, MultirunJob
from hepexp.metric import in_key
from hepexp.study import published
from hepexp.study.figures import PREFIXES, first_of_numbers
from hepexp.study.plan import Plan, Row
from hepexp.tracking.run_folder import RunFolder

TABLE, FIGURE, RUNS, PUBLISHED = "table", "figure", "runs.csv", "published.md"


@dataclass(frozen=True)
class Results:
    """What a study has found so far.

    Parameters
    ----------
    plan : the study.
    jobs : what became of each of its runs, in the plan's order.
    """

    plan: Plan
    jobs: Sequence[MultirunJob]

    def tables(self) -> list[Table]:
        """One table of each kind of run and test set, mostly one in all; none where no run has finished."""
        records, unread = self._records()
        found = sections([record for own in records.values() for record in own.values()]) if records else []
        remarks = [*self.unfinished(), *unread]
        return [
            self._table(section, records, section.title if len(found) > 1 else "", remarks if not k else ())
            for k, section in enumerate(found)
        ]

    def unfinished(self) -> list[str]:
        """A line on the runs that are missing, with the reasons."""
        missing = [(run, job) for run, job in zip(self.plan.runs, self.jobs, strict=True) if job.status != FINISHED]
        if not missing:
            return []
        reasons: dict[str, list[str]] = {}
        for run, job in missing:
            reasons.setdefault(_why(job), []).append(f"{run.row} seed={run.seed}")
        told = "; ".join(f"{', '.join(which)}: {why}" for why, which in reasons.items())
        return [f"{len(missing)} of {len(self.jobs)} runs are missing: {told}"]

    def beside_published(self) -> str:
        """A Markdown table of the figures of finished runs beside the published ones, and a line on those missing."""
        records, _ = self._records()
        groups = [
            Group(row.name, tuple(r for _, r in sorted(records[row.name].items())))
            for row in self.plan.rows
            if row.name in records
        ]
        rows = {row.name: row for row in self.plan.rows}
        commands = {group.name: self.plan.command_of(rows[group.name], group.seeds) for group in groups}
        return "\n\n".join([published.table(groups, commands), *self.unfinished()])

    def write_runs(self, file: Path) -> None:
        """A row a run: what it is, what became of it, and its command."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(["setting", *self.plan.axes, "seed", "status", "run", "error", "command"])
        places = {(row.name, run.seed): row for row in self.plan.rows for run in row.runs}
        for run, job in zip(self.plan.runs, self.jobs, strict=True):
            row = places[run.row, run.seed]
            told = [job.status, job.run, job.error, self.plan.command(run)]
            writer.writerow([row.setting, *row.along.values(), run.seed, *told])
        write_text(file, out.getvalue())

    def draw(self, tables: Sequence[Table], folder: Path) -> Iterator[Path]:
        """A figure of each table; along words, such as tasks, which may be of different data sets, one of all tables.

        Where it would have more curves than colours, it is one for each place along the other axes.

        Yields
        ------
        Each file once it is drawn.

        Raises
        ------
        HepexpError : nothing can be drawn of these runs.
        """
        every = [group for table in tables for group in table.groups]
        x = self.plan.options.x or first_of_numbers(self.plan.axes)
        axis = None if x is None else Axis.named(x, self._in_order(every))
        drawn = [every] if axis is not None and axis.words else [table.groups for table in tables]
        if axis is not None and axis.is_key:
            drawn = [groups for own in drawn for groups in self._readable(own, axis)]
        for k, groups in enumerate(drawn):
            seeds = sorted({seed for group in groups for seed in group.seeds})
            with about(f"study {self.plan.name}, seed{'s' * (len(seeds) > 1)} {', '.join(map(str, seeds))}"):
                yield from self._draw(folder, f"_{k + 1}" if k else "", groups, x)

    def _readable(self, groups: Sequence[Group], axis: Axis) -> list[Sequence[Group]]:
        """All groups in one figure, or where that would have too many curves, one for each place along other axes."""
        if len(self._curves(groups, axis)) <= len(COLOURS):
            return [groups]
        rows = {row.name: row for row in self.plan.rows}
        places: dict[tuple[str, ...], list[Group]] = {}
        for group in groups:
            place = self._place(rows[group.name], without=axis.group or axis.name)
            places.setdefault(tuple(place), []).append(group)
        return [*places.values()]

    def _draw(self, folder: Path, ending: str, groups: Sequence[Group], x: str | None) -> Iterator[Path]:
        """A figure of each metric along y that any of the groups has; without an x one of ROC curves."""
        if x is None:
            overlay(folder / f"{FIGURE}{ending}.png", groups)
            yield folder / f"{FIGURE}{ending}.png"
            return
        known, wanted = _known([record for group in groups for record in group.records]), self.plan.options.y
        for y in [y for y in wanted if any(f"{prefix}{y}" in known for prefix in PREFIXES)] or wanted[:1]:
            metric, name = named(y, known), f"_{in_key(y)}" if len(wanted) > 1 else ""
            own = [group for group in groups if _has_value(group, metric)]
            axis = Axis.named(x, self._in_order(own))
            file = folder / f"{FIGURE}{name}{ending}.png"
            draw_curves(file, self._curves(own, axis), axis, metric, tested_on(own))
            yield file

    def _in_order(self, groups: Sequence[Group]) -> list[Record]:
        """The records in the order of the values of the axes, in which words are drawn."""
        rows = {row.name: row for row in self.plan.rows}

        def places(group: Group) -> list[int]:
            return [values.index(rows[group.name].along[key]) for key, values in self.plan.axes.items()]

        return [record for group in sorted(groups, key=places) for record in group.records]

    def _curves(self, groups: Sequence[Group], axis: Axis) -> list[Curve]:
        """A curve for each setting at each place along the other axes; along a metric, for each setting."""
        rows = {row.name: row for row in self.plan.rows}
        members: dict[str, list[Group]] = {}
        for group in groups:
            row = rows[group.name]
            others = [] if not axis.is_key else self._place(row, without=axis.group or axis.name)
            members.setdefault(" ".join([row.setting, *others]), []).append(group)
        return [Curve(name, tuple(sorted(own, key=lambda group: axis.of(group)[0]))) for name, own in members.items()]

    def _place(self, row: Row, without: str) -> list[str]:
        several = [key for key in self.plan.several if key != without]
        return [f"{key.rpartition('.')[2]}={row.along[key]}" for key in several]

    def _records(self) -> tuple[dict[str, dict[int, Record]], list[str]]:
        """The records of finished runs by row and seed, and a line on each that cannot be read."""
        records: dict[str, dict[int, Record]] = {}
        unread = []
        for run, job in zip(self.plan.runs, self.jobs, strict=True):
            if job.status != FINISHED:
                continue
            record = Record(RunFolder(job.folder))
            try:
                record.check()
            except HepexpError as error:
                unread.append(f"left out {run.row} seed={run.seed}: {error}")
            else:
                records.setdefault(run.row, {})[run.seed] = record
        return records, unread

    def _table(
        self, section: Section, records: Mapping[str, Mapping[int, Record]], title: str, remarks: Sequence[str]
    ) -> Table:
        rows = [row for row in self.plan.rows if any(r in section.records for r in records.get(row.name, {}).values())]
        groups = [
            Group(row.name, tuple(r for _, r in sorted(records[row.name].items()) if r in section.records))
            for row in rows
        ]
        known = _known([record for group in groups for record in group.records])
        wanted = self.plan.options.columns
        if wanted is not None:  # those that runs of this kind have
            wanted = [key for key in wanted if any(key == own or own.endswith(f"/{key}") for own in known)]
        compared = [
            one for y in self.plan.options.y for one in self._differences(y.removeprefix("test/"), rows, groups)
        ]
        return Table(groups, columns(groups, wanted), compared, title, tuple(remarks))

    def _differences(self, by: str, rows: Sequence[Row], groups: Sequence[Group]) -> list[Comparison]:
        """Each group less the one that it is compared with, at the same place along the axes, where both have a value.

        Of classifiers and embeddings together these are several metrics: their own and that of a linear probe.
        """
        options, several = self.plan.options, self.plan.several
        found: dict[Column, list[Comparison]] = {}
        values: dict[Column, dict[str, Difference | None]] = {}
        for place in dict.fromkeys(tuple(row.along.values()) for row in rows):
            own = [(r, g) for r, g in zip(rows, groups, strict=True) if tuple(r.along.values()) == place]
            wanted = next((g.name for r, g in own if r.setting == options.against), None)
            if options.against is not None and wanted is None:
                continue  # not there yet
            try:
                compared = against_best([g for _, g in own], by, wanted, N_BOOTSTRAP)
            except HepexpError:
                continue
            if compared is not None:
                found.setdefault(compared.metric, []).append(compared)
                own_values = zip((g.name for _, g in own), compared.differences, strict=True)
                values.setdefault(compared.metric, {}).update(own_values)
        at = f"{options.against or 'the best'} at the same {' and '.join(key.rpartition('.')[2] for key in several)}"
        return [
            Comparison(
                metric,
                at if several else places[0].reference,
                [values[metric].get(group.name) for group in groups],
                all(place.paired for place in places),
            )
            for metric, places in found.items()
        ]


def write(results: Results, folder: Path) -> tuple[list[Table], list[Path], str]:
    """Write runs.csv, and of finished runs table.md, table.csv, published.md and the figure.

    published.md is there if something was published that any of the runs can be compared with.

    Returns
    -------
    The tables, the files, and why there is no figure; empty where there is one, or none is meant.
    """
    results.write_runs(folder / RUNS)
    files = [folder / RUNS]
    tables = results.tables()
    if not tables:
        return [], files, "no run has finished"
    title = f"# Study {results.plan.name}\n\n    {results.plan.own_command}\n\n"
    write_text(folder / f"{TABLE}.md", title + "\n".join(table.markdown() for table in tables))
    write_text(folder / f"{TABLE}.csv", as_csv(tables))
    files += [folder / f"{TABLE}.md", folder / f"{TABLE}.csv"]
    if any(group.published for table in tables for group in table.groups):
        write_text(folder / PUBLISHED, title + results.beside_published() + "\n")
        files.append(folder / PUBLISHED)
    if not results.plan.options.draws:
        return tables, files, ""
    try:
        for figure in results.draw(tables, folder):
            files.append(figure)
        return tables, files, ""
    except HepexpError as error:
        return tables, files, str(error)


def _known(records: Sequence[Record]) -> list[str]:
    every = dict.fromkeys(key for record in records for key in record.metrics)
    return [key for key in every if any(has(record.metrics, key) for record in records)]


def _has_value(group: Group, metric: str) -> bool:
    found = group.figure(metric)
    return found.value is not None or found.bound is not None


def _why(job: MultirunJob) -> str:
    """Why a run is missing."""
    if job.status == FINISHED or not (job.run or job.error):
        return "not begun"
    return f"{job.status.lower()}, {job.error}" if job.error else job.status.lower()
