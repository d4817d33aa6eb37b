"""Expressions of columns are NumPy's values, and nothing but the functions listed can be called."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hepexp.data.expressions.functions import FUNCTIONS, REDUCTIONS
from hepexp.data.expressions.parse import can_be_named, in_quotes, parse
from hepexp.data.values import Values
from hepexp.errors import ConfigError, DataError

quickly = settings(max_examples=50, deadline=None)
LISTS = st.lists(st.lists(st.floats(-100, 100, width=32), max_size=5), min_size=1, max_size=6)


def columns(lists):
    """A column `x` of particles, one `y` of the same particles, and `e` of the examples."""
    flat = np.array([value for values in lists for value in values], np.float32)
    offsets = np.concatenate([[0], np.cumsum([len(values) for values in lists])]).astype(np.int64)
    of_examples = np.arange(1, len(lists) + 1, dtype=np.float32) / 3
    return {"x": Values(flat, offsets), "y": Values(np.cos(flat), offsets), "e": Values(of_examples)}


def value(text, known, n=None):
    return parse(text, "key").evaluate(known, len(known["e"]) if n is None else n)


ELEMENTWISE = {
    "x * 2 + e ** 2 - y / 3": lambda x, y, e: x * 2 + e**2 - y / 3,
    "-x + +e": lambda x, y, e: -x + e,
    "log(abs(x) + 1) + log1p(e)": lambda x, y, e: np.log(np.abs(x) + 1) + np.log1p(e),
    "hypot(x, y) + arctan2(y, x)": lambda x, y, e: np.hypot(x, y) + np.arctan2(y, x),
    "where(x > 0, x, e)": lambda x, y, e: np.where(x > 0, x, e),
    "clip(x, -1, e)": lambda x, y, e: np.minimum(np.maximum(x, -1), e),
    "0 < x <= 50 & ~(y > 0.5) | e == 1": lambda x, y, e: None,  # refused below: 50 & ...
    "(0 < x <= 50) & ~(y > 0.5) | (e == 1)": lambda x, y, e: (x > 0) & (x <= 50) & ~(y > 0.5) | (e == 1),
    "0 < x <= 50 and not y > 0.5 or e == 1": lambda x, y, e: (x > 0) & (x <= 50) & ~(y > 0.5) | (e == 1),
    "minimum(x, e) + maximum(x, pi)": lambda x, y, e: np.minimum(x, e) + np.maximum(x, np.pi),
    "cos(deltaphi(x, e) - (x - e))": lambda x, y, e: np.ones_like(x),  # they differ by turns
}
del ELEMENTWISE["0 < x <= 50 & ~(y > 0.5) | e == 1"]


@given(LISTS, st.sampled_from(sorted(ELEMENTWISE)))
@quickly
def test_particles_and_their_example_meet_as_in_numpy(lists, text):
    known = columns(lists)
    found = value(text, known)
    x, y = (known[name].values.astype(np.float64) for name in "xy")
    e = np.repeat(known["e"].values.astype(np.float64), known["x"].counts)
    np.testing.assert_allclose(found.values, ELEMENTWISE[text](x, y, e), rtol=1e-12, atol=1e-12)
    assert (found.offsets == known["x"].offsets).all()


@given(LISTS)
@quickly
def test_reductions_are_those_of_each_list(lists):
    known = columns(lists)
    wanted = {
        "sum(x)": [np.sum(np.float64(v)) for v in lists],
        "mean(x)": [np.mean(np.float64(v)) if v else np.nan for v in lists],
        "max(x) - e": [(max(v) if v else np.nan) - float(e) for v, e in zip(lists, known["e"].values, strict=True)],
        "min(x)": [min(v) if v else np.nan for v in lists],
        "count(x)": [len(v) for v in lists],
        "sum(x > 0)": [sum(x > 0 for x in v) for v in lists],
        "any(x > 5) & all(x < 50)": [any(x > 5 for x in v) and all(x < 50 for x in v) for v in lists],
    }
    for text, expected in wanted.items():
        found = value(text, known)
        assert found.offsets is None
        np.testing.assert_allclose(np.float64(found.values), expected, rtol=1e-9, atol=1e-9, err_msg=text)


def test_every_function_can_be_called():
    known = columns([[1.0, 2.0], [3.0]])
    for name, (function, arity) in FUNCTIONS.items():
        arguments = ["x", "y", "e"][:arity]
        wide = [np.float64(known["x"].values), np.float64(known["y"].values), np.repeat([1 / 3, 2 / 3], [2, 1])]
        found = value(f"{name}({', '.join(arguments)})", known).values
        np.testing.assert_allclose(found, function(*wide[:arity]), rtol=1e-6)
    assert all(len(value(f"{name}(x)", known).values) == 2 for name in REDUCTIONS)


def test_the_difference_of_angles_is_the_short_way_round():
    angles = {"a": Values(np.array([3.1, -3.1, 0.5])), "b": Values(np.array([-3.1, 3.1, 0.2]))}
    found = value("deltaphi(a, b)", angles, 3).values
    np.testing.assert_allclose(found, [6.2 - 2 * np.pi, 2 * np.pi - 6.2, 0.3])


def test_a_column_alone_keeps_its_type_and_a_number_is_the_same_for_all():
    ids = Values(np.array([2**63 + 1, 3], np.uint64))
    assert value("event", {"event": ids}, 2).values is ids.values
    assert value("1.5", {}, 2).values.tolist() == [1.5, 1.5]
    assert parse(0.13957, "data.p4.mass").evaluate({}, 3).values.tolist() == [0.13957] * 3


def test_names_of_columns():
    assert parse("tracks.d0 / tracks.d0_err + X[3] + a.b[0].c", "k").names == (
        "tracks.d0",
        "tracks.d0_err",
        "X[3]",
        "a.b[0].c",
    )
    assert parse("`m(j1,j2)` * `lambda` - column0", "k").names == ("m(j1,j2)", "lambda", "column0")
    assert parse("sum(sum) + pi + `pi`", "k").names == ("sum", "pi")
    for name in ("pt", "a.b", "X[3]", "m(j1,j2)", "lambda", "pi", "2j", "1", "a-b", "é t", "a/b", "X[-1]", "True"):
        assert parse(in_quotes(name), "k").names == (name,)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("pt.__class__()", "form function(argument"),
        ("().__class__", "attribute"),
        ("(pt + 1).real", "attribute"),
        ("__import__('os')", "text"),
        ("open(pt)", "no function"),
        ("eval(pt)", "no function"),
        ("logg(pt)", "did you mean log?"),
        ("np.log(pt)", "form function"),
        ("log(pt, 2)", "with 2 arguments, expected 1"),
        ("log(x=pt)", "form function"),
        ("log(*pt)", "starred"),
        ("max(a, b)", "maximum()"),
        ("lambda: pt", "function"),
        ("[pt for pt in pt]", "listcomp"),
        ("[pt, 1]", "list"),
        ("(pt, 1)", "tuple"),
        ("{pt}", "set"),
        ("pt[a]", "index"),
        ("pt[0:2]", "index"),
        ("pt[-1]", "index"),
        ("pt[True]", "index"),
        ("pt[0][1]", "index"),
        ("log(pt)[0]", "index"),
        ("'text'", "text"),
        ("f'{pt}'", "text"),
        ("(y := 2)", "':='"),
        ("1 if pt else 2", "where("),
        ("pt % 2", "operator"),
        ("pt // 2", "operator"),
        ("pt @ pt", "operator"),
        ("pt in (1, 2)", "comparison"),
        ("pt > 1 & eta < 2", "parentheses"),
        ("status & 4", "parentheses"),
        ("~(a + b)", "parentheses"),
        ("...", "text"),
        ("1e999", "too large"),
        ("9" * 500, "too large"),
        ("1j", "text"),
        ("None", "text"),
        ("b'x'", "text"),
        ("", "not an expression"),
        ("pt +", "not an expression"),
        ("import os", "not an expression"),
        ("a; b", "not an expression"),
        ("`a`b", "not an expression"),
        ("`a", "not an expression"),
        ("a\x00b", "not an expression"),
        ("pt + " * 300 + "pt", "characters"),
        ("(" * 300 + "pt" + ")" * 300, "not an expression"),
        ("-" * 900 + "pt", ""),
        ("log(" * 100 + "pt" + ")" * 100, "nested"),
        ("+".join(["pt"] * 200), "nested"),
        (True, "got True"),
        (None, "got None"),
        (["pt"], "got ['pt']"),
    ],
)
def test_anything_else_is_refused_in_one_line(text, said):
    with pytest.raises(ConfigError) as error:
        parse(text, "data.selection")
    assert str(error.value).startswith("data.selection")
    assert said in str(error.value)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 500


def test_huge_powers_are_infinite_at_once():
    assert value("9 ** 9 ** 9 ** 9", {}, 1).values.tolist() == [np.inf]


@given(st.text(st.sampled_from("ab1.+-*/()[]<>=&|~`, \n'\"{}:@%!\\éπ"), max_size=30))
@settings(max_examples=200, deadline=None)
def test_any_text_is_an_expression_or_refused(text):
    try:
        parse(text, "key")
    except ConfigError as error:
        assert "\n" not in str(error)  # noqa: PT017


def test_names_and_levels_are_checked_before_anything_is_read():
    known = {"part_pt": True, "jet_pt": False}
    assert parse("part_pt / jet_pt", "k").check(known)
    assert not parse("sum(part_pt) / jet_pt", "k").check(known)
    with pytest.raises(ConfigError, match=r"data.weight: no column 'jet_p' in 'jet_p \* 2'; did you mean jet_pt\?"):
        parse("jet_p * 2", "data.weight").check(known)
    with pytest.raises(ConfigError, match=r"sum\(\) in 'sum\(jet_pt\)' is over the particles"):
        parse("sum(jet_pt)", "k").check(known)
    with pytest.raises(ConfigError, match="is over the particles"):
        parse("jet_pt + mean(max(part_pt))", "k").check(known)


def test_particles_of_two_kinds_do_not_meet():
    known = {"a": Values(np.zeros(5), np.array([0, 2, 5])), "b": Values(np.ones(4), np.array([0, 2, 4]))}
    with pytest.raises(DataError, match=r"f.root: row 101 has 3 values of a but 2 of b, expected the same number"):
        parse("a + b", "k").evaluate(known, 2, "f.root", 100)
    assert parse("sum(a) + sum(b)", "k").evaluate(known, 2).values.tolist() == [2, 2]


@pytest.mark.parametrize(
    ("name", "can"),
    [
        *((name, True) for name in ("pt", "jet.pt", "m(j1,j2)", "# x", "q'uote: {x", "[/bold]", "τ", "pi", "and")),
        *((name, False) for name in ("back`tick", "a\nb", "a\x1b[31mc", "${x}", "", "L" * 100_000, "\u202eabc")),
    ],
)
def test_a_column_can_be_named_unless_no_quotes_help(name, can):
    assert can_be_named(name) is can
    assert can is False or parse(in_quotes(name), "").names == (name,)
