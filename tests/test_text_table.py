"""A narrow terminal takes columns away and turns tables; it never takes a part of a name or of a number."""

import io
import re

import pytest
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from hepexp.console import PIPE_WIDTH
from hepexp.outputs import HANDLER, enduring
from hepexp.text_table import Column, TextTable

WIDTHS = (60, 80, 120)
FIGURES = ["runs", "accuracy", "AUC", "1/εB (εS=0.5)", "1/εB (εS=0.3)", "parameters", "Δ AUC", "p"]
LONG = "pfn model.phi_sizes=[100,100,128] model.f_sizes=[100,100,100] optimizer.lr=0.001 dataset.n_train=4000"
LAYOUT = [Column("", "name"), *(Column(f, "figure", keep=int(f in ("AUC", "Δ AUC"))) for f in FIGURES)]
ROWS = [
    ["pfn", "3", "0.681 ± 0.012", "0.776 ± 0.030", "8.1 ± 2.7", "17.5 ± 4.3", "1,234", "-0.164 ± 0.020", "3.2e-16 *"],
    ["  published", "", "0.685", "0.78", "", "", "", "", ""],
    ["lorentznet", "1", "0.753 ± 0.016", "0.9399 ± 0.0078", "60 ± 37", "150", "227,096", "", ""],
    [LONG, "1", "0.713 ± 0.020", "0.835 ± 0.016", "16.7 ± 4.9", "25 ± 12", "82,000", "-0.1053 ± 0.0088", "3.9e-33 *"],
]


def printed(table, width):
    out = io.StringIO()
    Console(file=out, width=width).print(table)
    return out.getvalue()


def cells_left_out(text, table, column):
    cells = [row[column] for row in table.rows if row[column]]
    return [cell for cell in cells if not re.search(rf"(?<!\S){re.escape(cell)}(?!\S)", text)]


@pytest.mark.parametrize("rows", [ROWS, ROWS[:1], ROWS[2:], ROWS * 8], ids=["four", "one", "long", "many"])
@pytest.mark.parametrize("width", [20, 40, *WIDTHS, 200, PIPE_WIDTH])
def test_names_are_whole_and_figures_are_whole_or_named_below(rows, width):
    table = TextTable(LAYOUT, rows, turns=True)
    text = printed(table, width)
    assert max(map(cell_len, text.splitlines())) <= width
    above, below, named = " ".join(text.split()).partition("left out on this narrow terminal: ")
    words = text.split()
    for row in rows:
        assert all(word in words or len(word) > width for word in row[0].split())
    for k, heading in enumerate(FIGURES, start=1):
        left_out = cells_left_out(above, table, k)
        assert not left_out or (heading in named and len(left_out) == sum(bool(row[k]) for row in rows)), heading
    if width >= 200:
        assert not below


def test_the_figures_that_matter_stay_longest():
    text = printed(TextTable(LAYOUT, ROWS * 8), 60)
    assert all(figure in text for figure in ("0.9399 ± 0.0078", "-0.1053 ± 0.0088"))
    assert "1/εB (εS=0.3)" in " ".join(text.partition("left out")[2].split())


def test_a_few_rows_are_turned_where_all_their_figures_fit_then():
    lines = printed(TextTable(LAYOUT, ROWS[:3], turns=True), 80).splitlines()
    assert lines[0].split() == ["pfn", "published", "lorentznet"]
    assert next(line for line in lines if line.startswith("parameters")).split() == ["parameters", "1,234", "227,096"]


@pytest.mark.parametrize("width", WIDTHS)
def test_texts_wrap_and_lose_no_word(width):
    meaning = "functions of each block that are circuits, out of phi_e, phi_h, phi_m, phi_x: " * 3
    rows = [["model.quantum_blocks", "[]", "list[list[float]]", meaning], ["model.c", "0.001", "float", ""]]
    columns = [Column("key", "name"), Column("value"), Column("type"), Column("meaning", least=36)]
    text = printed(TextTable(columns, rows), width)
    assert max(map(cell_len, text.splitlines())) <= width
    assert all(word in text.split() for row in rows for cell in row for word in cell.split())
    assert "…" not in text


def test_a_pipe_has_a_row_a_line():
    lines = printed(TextTable(LAYOUT, ROWS, turns=True), PIPE_WIDTH).splitlines()
    assert len(lines) == 2 + len(ROWS)
    assert lines[-1].startswith(ROWS[-1][0])
    assert all(line == line.rstrip() for line in lines)


@pytest.mark.parametrize(
    ("encoding", "first", "heading", "figure", "last"),
    [
        ("ascii", "Delta", "1/epsB", "? 5 +- 1", ">= 1"),
        ("latin-1", "Delta", "1/epsB", "? 5 ± 1", ">= 1"),
        ("utf-8", "Δ", "1/εB", "α 5 ± 1", "≥ 1"),
    ],
)
def test_letters_that_a_terminal_lacks_are_spelled_before_the_layout(encoding, first, heading, figure, last):
    styled = Text.assemble("α ", ("5 ± 1", "bold"))
    columns = [Column("", "name"), Column("1/εB", "figure"), Column("n", "figure")]
    table = TextTable(columns, [["a", "1 ± 2", "10"], ["b", styled, "7"], ["c", "–", "–"]], title="Δ", notes=["≥ 1"])
    out = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors=HANDLER)
    with enduring():  # which registers the handler
        Console(file=out, width=60).print(table)
        out.flush()
    title, head, *rows, note = out.buffer.getvalue().decode(encoding).splitlines()
    assert {len(line) for line in (head, *rows)} == {len(head)}  # columns of figures end below each other
    assert (title, note) == (first, last)
    assert head.split() == [heading, "n"]
    assert figure in rows[2]


def test_control_characters_are_shown_not_obeyed():
    text = printed(TextTable([Column("", "name"), Column("\x07", "figure")], [["\x1b]0;title\x07x", "\x1b[2J1"]]), 60)
    assert text.replace("\n", "").isprintable()
    assert "\\x1b]0;title\\x07x" in text
