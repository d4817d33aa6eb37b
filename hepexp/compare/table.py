"""The comparison as a table: on a terminal, in Markdown, CSV and LaTeX."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hepexp.compare.columns import Column
from hepexp.compare.groups import COUNTED, Figure, Group
from hepexp.compare.significance import Difference
from hepexp.config.expected import Publication
from hepexp.evaluation.references import shown, source
from hepexp.evaluation.rounding import ABSENT, number, with_error

if TYPE_CHECKING:
    from rich.table import Table as RichTable

PUBLISHED = "published"
# characters that mean something to LaTeX
LATEX = {"_": r"\_", "%": r"\%", "&": r"\&", "#": r"\#", "$": r"\$", "{": r"\{", "}": r"\}", "~": r"\textasciitilde{}"}


@dataclass(frozen=True)
class Table:
    """Rows of a comparison, a group each, its published figures below it.

    Parameters
    ----------
    groups : the rows, in their order.
    columns : the metrics.
    differences : of each group from the reference; None where they cannot be had.
    compared : the metric of the differences.
    reference : the name of the group that they are taken from.
    """

    groups: Sequence[Group]
    columns: Sequence[Column]
    differences: Sequence[Difference] | None = None
    compared: Column | None = None
    reference: str = ""

    @property
    def caption(self) -> str:
        """What the errors are."""
        seeds = any(len(group.records) > 1 for group in self.groups)
        alone = any(len(group.records) == 1 for group in self.groups)
        said = ["± standard deviation over seeds"] if seeds else []
        said += [f"± bootstrap over test examples{' (one run)' if seeds else ''}"] if alone else []
        if self.differences is not None:
            said.append(
                f"Δ {self.compared.text} from {self.reference}: paired bootstrap over the same test examples, with "
                "the spread over seeds; * significant (p < 0.05)"
            )
        return "; ".join(said)

    @property
    def sources(self) -> list[Publication]:
        """The documents with a figure in the table, each once."""
        metrics = {column.metric for column in self.columns}
        documents = [one for group in self.groups for one in group.published if metrics & one.figures.keys()]
        return [one for i, one in enumerate(documents) if one not in documents[:i]]

    @property
    def notes(self) -> list[str]:
        """Each published document with its conditions and address, and how those of the rows above it differ."""
        lines = []
        for i, one in enumerate(self.sources):
            lines.append(f"[{i + 1}] {source(one)}")
            for group in self.groups:
                if one in group.published and (differing := group.conditions.differences(one)):
                    lines.append(f"[{i + 1}] not comparable, {group.name} against the document: {'; '.join(differing)}")
        return lines

    def terminal(self) -> RichTable:
        from rich import box
        from rich.table import Table as RichTable
        from rich.text import Text

        caption = Text("\n".join([self.caption, *self.notes]), "dim")
        made = RichTable(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), caption=caption)
        made.caption_justify = "left"
        header, rows = self.cells()
        for k, text in enumerate(header):
            made.add_column(text, justify="left" if k == 0 else "right", no_wrap=k > 0, overflow="fold")
        for row in rows:
            made.add_row(*map(Text, row), style="dim" if row[0].strip().startswith(PUBLISHED) else "")
        return made

    def markdown(self) -> str:
        header, rows = self.cells()
        lines = [header, ["---"] + ["---:"] * (len(header) - 1), *rows]
        return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines) + (
            "\n\n" + "\n\n".join([self.caption, *self.notes]) + "\n"
        )

    def latex(self) -> str:
        """A booktabs table; errors as in `$0.9868 \\pm 0.0003$`."""
        header, rows = self.cells()
        header = ["", "runs", *(column.latex for column in self.columns)]
        if self.differences is not None:
            header += [rf"$\Delta$ {self.compared.latex}", "$p$"]
        lines = [rf"\begin{{tabular}}{{l{'r' * (len(header) - 1)}}}", r"\toprule", " & ".join(header) + r" \\"]
        lines += [r"\midrule", *(" & ".join(_latex(cell) for cell in row) + r" \\" for row in rows), r"\bottomrule"]
        return "\n".join([*lines, r"\end{tabular}", *(f"% {line}" for line in [self.caption, *self.notes]), ""])

    def csv(self) -> str:
        """Plain numbers: each metric with its error, the number of runs and the seeds; published figures beside."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        names = [column.metric for column in self.columns]
        published = [_first(group.published) for group in self.groups]
        beside = [name for name in names if any(name in figures for figures in published)]
        header = ["setting", "runs", "seeds"] + [part for name in names for part in (name, f"{name}_err")]
        header += [f"{PUBLISHED}/{name}" for name in beside]
        header += ["difference", "difference_err", "p"] if self.differences is not None else []
        writer.writerow(header)
        for k, group in enumerate(self.groups):
            figures = [group.figure(name) for name in names]
            row = [group.name, len(group.records), " ".join(map(str, group.seeds))]
            row += [part for figure in figures for part in (figure.value, figure.error)]
            row += [published[k].get(name) for name in beside]
            if self.differences is not None:
                d = self.differences[k]
                row += [d.value, d.error, d.p]
            writer.writerow(row)
        return out.getvalue()

    def cells(self) -> tuple[list[str], list[list[str]]]:
        """The header, and the texts of each row."""
        header = ["", "runs", *(column.text for column in self.columns)]
        if self.differences is not None:
            header += [f"Δ {self.compared.text}", "p"]
        rows, sources = [], self.sources
        for k, group in enumerate(self.groups):
            row = [group.name, str(len(group.records))]
            row += [_text(column.metric, group.figure(column.metric)) for column in self.columns]
            rows.append(row + (_difference(self.differences[k]) if self.differences is not None else []))
            for one in group.published:
                figures = [one.figures.get(column.metric) for column in self.columns]
                if any(figures):
                    texts = [shown(figure) if figure else ABSENT for figure in figures]
                    name = f"  {PUBLISHED} [{sources.index(one) + 1}]"
                    rows.append([name, "", *texts, *[""] * (len(header) - 2 - len(texts))])
        return header, rows


def _first(published: Sequence[Publication]) -> dict[str, float]:
    """Each figure of the first document that has it."""
    return {name: figure.value for one in reversed(published) for name, figure in one.figures.items()}


def _text(metric: str, figure: Figure) -> str:
    if isinstance(figure.value, str) or metric in COUNTED:
        return number(figure.value)
    return with_error(figure.value, figure.error)


def _difference(difference: Difference) -> list[str]:
    if difference.error is None:
        return ["" if difference.value == 0 else with_error(difference.value), ""]
    sign = "" if difference.value < 0 else "+"
    return [
        sign + with_error(difference.value, difference.error),
        f"{difference.p:.2g}{' *' if difference.is_significant else ''}",
    ]


def _latex(cell: str) -> str:
    if cell == ABSENT or not cell:
        return "--" if cell else ""
    if " ± " in cell or (cell[0] in "+-" and cell[1:2].isdigit()):
        return "$" + cell.replace(",", "").replace(" ± ", r" \pm ") + "$"
    if found := re.fullmatch(r"([\d.]+)e([+-]\d+)( \*)?", cell):
        return rf"${found[1]} \times 10^{{{int(found[2])}}}${found[3] or ''}"
    text = "".join(LATEX.get(character, character) for character in cell)
    return rf"\quad {text.strip()}" if cell.startswith("  ") else text
