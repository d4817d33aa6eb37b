"""Tables that fit any terminal: names are never cut, and a number is shown in full or not at all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Literal

from hepexp.spelling import spelled

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions
    from rich.text import Text

GAP = 2  # spaces between columns
INDENT = 4  # of text below its row
LONGEST_RULE = 160  # in a pipe, cells are as long as their texts
HANG = 2  # of the lines of a name after its first
NAME = 24  # a name is not wrapped to fewer columns than this


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Parameters
    ----------
    heading : above it; a table whose headings are all empty has no line for them.
    kind : a `name` says what the row is: it may wrap, and is never left out. A `figure` stays on one line, and its
        whole column is left out if there is no room. A `text` wraps.
    style : a style of rich, e.g. `bold`.
    keep : columns of figures with the smallest number are left out first; among equal ones, the last.
    least : smallest width to which a text is wrapped; a last column that would be narrower goes below its row.
    """

    heading: str = ""
    kind: Literal["name", "figure", "text"] = "text"
    style: str = ""
    keep: int = 0
    least: int = 20


@dataclass(frozen=True)
class TextTable:
    """A table for the terminal, which rich prints.

    If it is too wide, in this order: texts, names and headings wrap; rows and columns are swapped; the last text, or
    the names, go on separate lines; figures are left out, and named below.

    Parameters
    ----------
    columns : at least one.
    rows : a cell for each column, plain or styled.
    styles : of the rows; none by default.
    title : a line above.
    notes : lines below, which wrap.
    turns : whether rows and columns may be swapped.
    more : how to see columns that are left out.
    """

    columns: Sequence[Column]
    rows: Sequence[Sequence[str | Text]]
    styles: Sequence[str] = ()
    title: str = ""
    notes: Sequence[str | Text] = ()
    turns: bool = False
    more: str = "a pipe or a file has them"

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        yield from self._spelled(options.encoding).lines(options.max_width)

    def lines(self, width: int) -> Iterator[Text]:
        """The lines for a terminal of this many columns."""
        if self.title:
            yield from _wrapped(self.title, width, "bold")
        shown, left_out = self._fitted(width)
        yield from shown
        if left_out:
            names = ", ".join(column.heading for column in left_out)
            yield from _wrapped(f"left out on this narrow terminal: {names} ({self.more})", width, "dim")
        for note in self.notes:
            yield from _wrapped(note, width, "")

    def _spelled(self, encoding: str) -> TextTable:
        """The table with the letters that an encoding lacks spelled out, as they take more room then."""
        return replace(
            self,
            columns=[replace(column, heading=spelled(column.heading, encoding)) for column in self.columns],
            rows=[[spelled(cell, encoding) for cell in row] for row in self.rows],
            title=spelled(self.title, encoding),
            notes=[spelled(note, encoding) for note in self.notes],
        )

    def _fitted(self, width: int) -> tuple[Iterator[Text], list[Column]]:
        every = list(range(len(self.columns)))
        if widths := self._widths(every, width):
            return self._beside(every, widths), []
        if (
            self.turns
            and len(self.rows)
            and (turned := self._turned())._widths(list(range(len(turned.columns))), width)
        ):
            return turned._fitted(width)
        if self.columns[-1].kind == "text" and (widths := self._widths(every[:-1], width)):
            return self._above(every[:-1], widths, every[-1], width), []
        (beside, wide), (above, wide_above) = self._most(every, width), self._most(every[1:], width - INDENT)
        # one more line per row is worth two columns, or one that is to be kept
        kept_above, kept_beside = (sum(self.columns[k].keep > 0 for k in shown) for shown in (above, beside))
        gain = len(above) + 1 - len(beside)
        if self.columns[0].kind == "name" and above and (gain > 1 or kept_above > kept_beside):
            return self._below(above, wide_above, width), [self.columns[k] for k in every[1:] if k not in above]
        if len(beside) > 1:
            return self._beside(beside, wide), [self.columns[k] for k in every if k not in beside]
        return self._blocks(width), []

    def _most(self, places: list[int], width: int) -> tuple[list[int], list[int]]:
        """As many of these columns as there is room for, and their widths.

        There are none if those that cannot be left out do not fit.
        """
        places = list(places)
        while not (widths := self._widths(places, width)):
            figures = [k for k in places if self.columns[k].kind == "figure"]
            if not figures:
                return [], []
            places.remove(min(figures, key=lambda k: (self.columns[k].keep, -k)))
        return places, widths

    def _widths(self, places: Sequence[int], width: int) -> list[int] | None:
        """Widths of these columns side by side; None if they do not fit."""
        if not places:
            return None
        whole = [self._whole(k) for k in places]
        least = [self._least(k, natural) for k, natural in zip(places, whole, strict=True)]
        free = width - GAP * (len(places) - 1) - sum(least)
        if free < 0:
            return None
        wanted = [natural - small for natural, small in zip(whole, least, strict=True)]
        for i in sorted(range(len(places)), key=lambda i: (self.columns[places[i]].kind != "name", wanted[i])):
            # names first, then the columns that need least: what they leave goes to the long texts
            given = min(wanted[i], free)
            least[i] += given
            free -= given
        return least

    def _whole(self, k: int) -> int:
        cells = self._cells(k)
        if self.columns[k].kind == "figure":  # a long heading wraps, even where there is room
            return max([_longest_word(cells[0]), min(_length(cells[0]), NAME), *map(_length, cells[1:])])
        return max(map(_length, cells))

    def _least(self, k: int, natural: int) -> int:
        column, cells = self.columns[k], self._cells(k)
        if column.kind == "figure":  # only its heading wraps
            return max([_longest_word(cells[0]), *map(_length, cells[1:])])
        bound = NAME if column.kind == "name" else column.least
        return min(natural, max(bound, _longest_word(*cells) + HANG if column.kind == "name" else 0))

    def _cells(self, k: int) -> list[str | Text]:
        return [self.columns[k].heading, *(row[k] for row in self.rows)]

    def _turned(self) -> TextTable:
        """The transpose of a table whose first column names the rows."""
        from rich.text import Text

        first, *others = self.columns
        styles = [*self.styles, *[""] * len(self.rows)]
        columns = [replace(first, heading="")]
        columns += [
            Column(_plain(row[0]).strip(), "figure", style) for row, style in zip(self.rows, styles, strict=False)
        ]
        rows = [[Text(c.heading, "dim"), *(row[k + 1] for row in self.rows)] for k, c in enumerate(others)]
        return replace(self, columns=columns, rows=rows, styles=(), turns=False)

    def _beside(self, places: Sequence[int], widths: Sequence[int], indent: int = 0) -> Iterator[Text]:
        yield from self._head(places, widths, indent)
        for r in range(len(self.rows)):
            yield from self._row(r, places, widths, indent)

    def _above(self, places: Sequence[int], widths: Sequence[int], last: int, width: int) -> Iterator[Text]:
        """Rows with their last text below them."""
        yield from self._head(places, widths)
        for r, row in enumerate(self.rows):
            yield from self._row(r, places, widths)
            if _plain(row[last]):
                yield from _wrapped(row[last], width, self.columns[last].style, indent=INDENT)

    def _below(self, places: Sequence[int], widths: Sequence[int], width: int) -> Iterator[Text]:
        """Rows with their name above them."""
        yield from self._head(places, widths, INDENT)
        for r, row in enumerate(self.rows):
            style = self.styles[r] if self.styles else ""
            yield from _wrapped(row[0], width, f"{self.columns[0].style} {style}".strip())
            yield from self._row(r, places, widths, INDENT)

    def _blocks(self, width: int) -> Iterator[Text]:
        """Each row as a paragraph: its name, the other cells with their headings, and the last on separate lines."""
        first, *middle, last = range(len(self.columns))
        for row in self.rows:
            yield from _wrapped(row[first], width, self.columns[first].style)
            said = [f"{self.columns[k].heading} {_plain(row[k])}".strip() for k in middle if _plain(row[k])]
            for text in ("; ".join(said), row[last]):
                if _plain(text):
                    yield from _wrapped(text, width, self.columns[last].style, indent=INDENT)

    def _head(self, places: Sequence[int], widths: Sequence[int], indent: int = 0) -> Iterator[Text]:
        from rich.text import Text

        headings = [self.columns[k].heading for k in places]
        if any(headings):
            yield from self._line(headings, places, widths, "dim", indent)
            long = min(indent + sum(widths) + GAP * (len(widths) - 1), LONGEST_RULE)
            yield Text("─" * long, "dim", no_wrap=True, overflow="ignore")

    def _row(self, r: int, places: Sequence[int], widths: Sequence[int], indent: int = 0) -> Iterator[Text]:
        style = self.styles[r] if self.styles else ""
        yield from self._line([self.rows[r][k] for k in places], places, widths, style, indent, styled=True)

    def _line(
        self,
        cells: Sequence[str | Text],
        places: Sequence[int],
        widths: Sequence[int],
        style: str,
        indent: int,
        styled: bool = False,
    ) -> Iterator[Text]:
        """Cells side by side, with as many lines as the tallest of them."""
        from rich.text import Text

        hang = [HANG if self.columns[k].kind == "name" else 0 for k in places]
        blocks = [list(_wrapped(c, wide, "", hang=h)) for c, wide, h in zip(cells, widths, hang, strict=True)]
        for line in range(max(map(len, blocks))):
            made = Text(" " * indent, style, no_wrap=True, overflow="ignore")
            for k, wide, block in zip(places, widths, blocks, strict=True):
                part = block[line] if line < len(block) else Text()
                if styled and self.columns[k].style:
                    part.stylize(self.columns[k].style)
                spaces = Text(" " * (wide - part.cell_len))
                made.append_text(spaces + part if self.columns[k].kind == "figure" else part + spaces)
                made.append(" " * GAP)
            made.rstrip()
            yield made


def _plain(cell: str | Text) -> str:
    return cell if isinstance(cell, str) else cell.plain


def _length(cell: str | Text) -> int:
    from rich.cells import cell_len

    return cell_len(_plain(cell))


def _longest_word(*cells: str | Text) -> int:
    return max((_length(word) for cell in cells for word in _plain(cell).split()), default=0)


@cache
def _console() -> Console:
    """Rich asks for this to know the size of tabs."""
    from rich.console import Console

    return Console()


def _wrapped(cell: str | Text, width: int, style: str, indent: int = 0, hang: int = 0) -> Iterator[Text]:
    """Its lines; a word longer than the width is folded, as cutting it would lose information.

    Parameters
    ----------
    hang : spaces before the second line and those after it.
    """
    from rich.text import Text

    text = Text(cell, style) if isinstance(cell, str) else cell.copy()
    lines = text.wrap(_console(), max(width - indent, 1), overflow="fold") or [Text()]
    if hang and len(lines) > 1:
        yield from _wrapped(lines[0], width, style, indent)
        rest = text[len(lines[0].plain) :]
        yield from _wrapped(rest[len(rest.plain) - len(rest.plain.lstrip()) :], width, style, indent + hang)
        return
    for line in lines:
        line.rstrip()
        made = Text(" " * indent, no_wrap=True, overflow="ignore")
        made.append_text(line)
        yield made
