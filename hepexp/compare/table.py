"""The comparison as a table: on a terminal, in Markdown, CSV and LaTeX."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass

from hepexp.compare.columns import Column
from hepexp.compare.groups import Figure, Group
from hepexp.compare.significance import Comparison, Difference
from hepexp.config.expected import Publication
from hepexp.config.metrics import is_whole
from hepexp.evaluation.published_figures import shown, source
from hepexp.evaluation.rounding import ABSENT, number, with_error
from hepexp.metric import AT_LEVEL, NOTE
from hepexp.text_table import Column as TextColumn
from hepexp.text_table import TextTable

PUBLISHED = "published"
# characters that mean something to LaTeX
LATEX = {"_": r"\_", "%": r"\%", "&": r"\&", "#": r"\#", "$": r"\$", "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}"}


@dataclass(frozen=True)
class Table:
    """Rows of a comparison, one per group, each with its published figures below.

    Parameters
    ----------
    groups : the rows, in their order.
    columns : the metrics.
    compared : differences of the groups, a comparison for each metric.
    title : what the runs are, where a comparison has several tables.
    remarks : lines below the table, before those on publications.
    """

    groups: Sequence[Group]
    columns: Sequence[Column]
    compared: Sequence[Comparison] = ()
    title: str = ""
    remarks: Sequence[str] = ()

    @property
    def caption(self) -> str:
        """What the errors are, and which of them the differences have."""
        seeds = any(len(group.records) > 1 for group in self.groups)
        one = [group for group in self.groups if len(group.records) == 1]
        alone = any(group.figure(column.metric).error is not None for group in one for column in self.columns)
        said = ["± standard deviation over seeds"] if seeds else []
        said += [f"± bootstrap over test examples{' (one run)' if seeds else ''}"] if alone else []
        if any(group.figure(c.metric).bound is not None for group in self.groups for c in self.columns):
            said.append(f"> {AT_LEVEL}, as no background example passes")
        if any(figure.n_runs < len(group.records) for group in self.groups for figure in self._partial(group)):
            said.append("(n of m) mean over the n of m runs that have a value")
        if any(group.repeats for group in self.groups):
            said.append("only the newest run of each setting and seed counts")
        spread = "and the spread over seeds" if seeds else "without the spread between trainings (one run per row)"
        if seeds and one:
            spread += " in rows with several"
        for compared in self.compared:
            errors = "paired bootstrap over the same test examples" if compared.paired else "errors of both rows"
            said.append(f"Δ {compared.metric.text} relative to {compared.reference}: {errors}, {spread}")
        said += ["* significant (p < 0.05)"] if self.compared else []
        return "; ".join(said)

    @property
    def sources(self) -> dict[str, int]:
        """The number of each document with a figure in the table, by the line that describes it."""
        lines = [source(one) for group in self.groups for one in self._published(group)]
        return {line: i + 1 for i, line in enumerate(dict.fromkeys(lines))}

    @property
    def notes(self) -> list[str]:
        """Each publication with its conditions and address, then how those of the rows above it differ."""
        numbers = self.sources
        faults: dict[str, list[tuple[int, str]]] = {}
        for group in self.groups:
            for one in self._published(group):
                if differing := group.conditions.differences(one):
                    faults.setdefault("; ".join(differing), []).append((numbers[source(one)], group.name))
        lines = [f"[{i}] {line}" for line, i in numbers.items()]
        for fault, where in faults.items():
            documents = ", ".join(f"[{i}]" for i in sorted({i for i, _ in where}))
            rows = ", ".join(dict.fromkeys(name for _, name in where))
            lines.append(f"{documents} not comparable, {rows} against the document: {fault}")
        return lines

    @property
    def reasons(self) -> list[str]:
        """Why values have no error, and which were measured under other conditions than they are named for."""
        rows: dict[str, list[str]] = {}
        for column in self.columns:
            for group in self.groups:
                noted = any(record.metrics.get(f"{column.metric}{NOTE}") for record in group.records)
                for reason in (group.lacks_error(column.metric), group.measured_otherwise(column.metric)):
                    if noted and reason:
                        rows.setdefault(f"{column.text}: {reason}", []).append(group.name)
        return [f"{line} ({', '.join(names)})" for line, names in rows.items()]

    @property
    def below(self) -> list[str]:
        """The lines below the table."""
        return [line for line in (self.caption, *self.reasons, *self.remarks, *self.notes) if line]

    def _published(self, group: Group) -> list[Publication]:
        """The group's publications with a figure in the table."""
        metrics = {column.metric for column in self.columns}
        return [one for one in group.published if metrics & one.figures.keys()]

    def _partial(self, group: Group) -> list[Figure]:
        """The group's figures that some of its runs have."""
        return [f for column in self.columns if (f := group.figure(column.metric)).n_runs]

    def terminal(self) -> TextTable:
        from rich.text import Text

        header, rows = self.cells()
        metrics = [compared.metric.text for compared in self.compared]
        keep = {"p": 1, **{f"Δ {metric}": 1 for metric in metrics}, **dict.fromkeys(metrics, 2)}
        shown = [TextColumn("", "name"), *(TextColumn(text, "figure", keep=keep.get(text, 0)) for text in header[1:])]
        styles = ["dim" if row[0].strip().startswith(PUBLISHED) else "" for row in rows]
        notes = [Text(line, "dim") for line in self.below]
        return TextTable(
            shown, rows, styles, self.title, notes, turns=True, more="choose with --columns, or use a pipe"
        )

    def markdown(self) -> str:
        header, rows = self.cells()
        lines = [header, ["---"] + ["---:"] * (len(header) - 1), *rows]
        title = [f"### {self.title}", ""] if self.title else []
        cells = (" | ".join(cell.replace("|", r"\|") for cell in line) for line in lines)
        notes = [line for note in self.below for line in ("", note)]
        return "\n".join([*title, *(f"| {line} |" for line in cells), *notes, ""])

    def latex(self) -> str:
        """A booktabs table; errors as in `$0.9868 \\pm 0.0003$`."""
        header, rows = self.cells()
        header = ["", "runs", *(column.latex for column in self.columns)]
        header += [part for one in self.compared for part in (rf"$\Delta$ {one.metric.latex}", "$p$")]
        lines = [rf"\begin{{tabular}}{{l{'r' * (len(header) - 1)}}}", r"\toprule", " & ".join(header) + r" \\"]
        lines += [r"\midrule", *(" & ".join(_latex(cell) for cell in row) + r" \\" for row in rows), r"\bottomrule"]
        title = [f"% {self.title}"] if self.title else []
        return "\n".join([*title, *lines, r"\end{tabular}", *(f"% {line}" for line in self.below), ""])

    def csv(self) -> str:
        return as_csv([self])

    def cells(self) -> tuple[list[str], list[list[str]]]:
        """The header, and the texts of each row."""
        header = ["", "runs", *(column.text for column in self.columns)]
        header += [part for one in self.compared for part in (f"Δ {one.metric.text}", "p")]
        rows, sources = [], self.sources
        for k, group in enumerate(self.groups):
            row = [group.name, str(len(group.records))]
            row += [_text(group, column.metric) for column in self.columns]
            rows.append(row + [text for one in self.compared for text in _difference(one.differences[k])])
            for one in self._published(group):
                figures = [one.figures.get(column.metric) for column in self.columns]
                texts = [shown(figure) if figure else ABSENT for figure in figures]
                name = f"  {PUBLISHED} [{sources[source(one)]}]"
                rows.append([name, "", *texts, *[""] * (len(header) - 2 - len(texts))])
        return header, rows


def _first(published: Sequence[Publication]) -> dict[str, float]:
    """Each figure of the first document that has it."""
    return {name: figure.value for one in reversed(published) for name, figure in one.figures.items()}


def as_csv(tables: Sequence[Table]) -> str:
    """Plain numbers: each metric with its error, the number of runs and the seeds; published figures too.

    Parameters
    ----------
    tables : one alone, or several as rows of one file that name their table.
    """
    out = io.StringIO()
    names = list(dict.fromkeys(column.metric for table in tables for column in table.columns))
    every = [group for table in tables for group in table.groups]
    beside = [name for name in names if any(name in _first(group.published) for group in every)]
    partial = [name for name in names if any(0 < g.figure(name).n_runs < len(g.records) for g in every)]
    differ = dict.fromkeys(one.metric.metric for table in tables for one in table.compared)
    header = [*(["table"] if len(tables) > 1 else []), "setting", "runs", "seeds"]
    header += [part for name in names for part in (name, f"{name}_err", *([f"{name}_n"] if name in partial else []))]
    header += [f"{PUBLISHED}/{name}" for name in beside]
    header += [f"{name}_{part}" for name in differ for part in ("difference", "difference_err", "p")]
    writer = csv.DictWriter(out, header, lineterminator="\n", restval="")
    writer.writeheader()
    for table in tables:
        for k, group in enumerate(table.groups):
            seeds = " ".join(map(str, group.seeds))
            row = {"setting": group.name, "runs": len(group.records), "seeds": seeds}
            row |= {"table": table.title} if len(tables) > 1 else {}
            for name in names:
                figure = group.figure(name)
                row |= {name: figure.value, f"{name}_err": figure.error}
                row |= {f"{name}_n": figure.n_runs} if name in partial else {}
            row |= {f"{PUBLISHED}/{name}": _first(group.published).get(name) for name in beside}
            for one in table.compared:
                if d := one.differences[k]:
                    name = one.metric.metric
                    row |= {f"{name}_difference": d.value, f"{name}_difference_err": d.error, f"{name}_p": d.p}
            writer.writerow(row)
    return out.getvalue()


def _text(group: Group, metric: str) -> str:
    figure = group.figure(metric)
    if figure.bound is not None:
        return f"> {number(figure.bound)}"
    if isinstance(figure.value, str) or (is_whole(metric) and figure.error is None):
        text = number(figure.value)
    else:
        text = with_error(figure.value, figure.error)
    return text if figure.n_runs in (0, len(group.records)) else f"{text} ({figure.n_runs} of {len(group.records)})"


def _difference(difference: Difference | None) -> list[str]:
    if difference is None:
        return ["", ""]
    if difference.error is None:
        return ["" if difference.value == 0 else with_error(difference.value), ""]
    sign = "" if difference.value < 0 else "+"
    if difference.p is None:  # every replica gives the same difference, as of runs with the same scores
        return [f"{sign if difference.value else ''}{with_error(difference.value, difference.error)}", ABSENT]
    star = " *" if difference.is_significant else ""
    return [sign + with_error(difference.value, difference.error), f"{difference.p:.2g}{star}"]


def _latex(cell: str) -> str:
    if cell.startswith("> "):
        return f"${cell.replace(',', '')}$"
    if cell == ABSENT or not cell:
        return "--" if cell else ""
    if " ± " in cell or (cell[0] in "+-" and cell[1:2].isdigit()):
        figure, partly, runs = cell.replace(",", "").partition(" (")
        return "$" + figure.replace(" ± ", r" \pm ") + "$" + partly + runs
    if found := re.fullmatch(r"([\d.]+)e([+-]\d+)( \*)?", cell):
        return rf"${found[1]} \times 10^{{{int(found[2])}}}${found[3] or ''}"
    if cell.startswith("> "):
        return f"${cell.replace(',', '')}$"
    text = "".join(LATEX.get(character, character) for character in cell)
    return rf"\quad {text.strip()}" if cell.startswith("  ") else text
