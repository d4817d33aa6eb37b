"""An override that Hydra cannot read is answered with one that it can."""

import shlex

import pytest
import yaml
from hydra.core.override_parser.overrides_parser import OverridesParser

from hepexp.config.grammar import parse
from hepexp.config.quoting import cut_expression, in_quotes
from hepexp.errors import ConfigError


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        ("k=jet_pt > 500 & abs(jet_eta) < 2", "jet_pt > 500 & abs(jet_eta) < 2"),
        ("k=a == 3", "a == 3"),
        ("k=[red]x[/red]", "[red]x[/red]"),
        ("k={a}{b}", "{a}{b}"),
        ("k=`m(j1,j2)` > 3", "`m(j1,j2)` > 3"),
        ("k=[log(part_pt), deltaphi(a, b), x]", ["log(part_pt)", "deltaphi(a, b)", "x"]),
        ("k={QCD: label == 0, top: where(label == 1, 1, 0)}", {"QCD": "label == 0", "top": "where(label == 1, 1, 0)"}),
        ("k=[{expr: log(d0), clip: [-5, 5]}, y]", [{"expr": "log(d0)", "clip": [-5, 5]}, "y"]),
        ("k=[\"a, b\", f('x')]", ["a, b", "f('x')"]),
    ],
)
def test_the_override_proposed_is_read_as_it_was_meant(typed, value):
    with pytest.raises(ConfigError) as error:
        parse([typed])
    assert str(error.value).endswith(f"write {in_quotes(typed)}")
    (word,) = shlex.split(in_quotes(typed))
    assert OverridesParser.create().parse_override(word).value() == value


def test_what_no_quotes_would_mend_is_not_proposed():
    with pytest.raises(ConfigError, match="put a value with spaces, quotes, commas or brackets in quotes, e"):
        parse(["=,k=a"])


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("{px: x, energy: hypot(x,y)}", "hypot(x, y)"),
        ("{energy: where(x > 1, max(y, 2), 0), px: x}", "where(x > 1, max(y, 2), 0)"),
        ("[a, hypot(x, y), b]", "hypot(x, y)"),
        ("{energy: 'hypot(x,y)', mass: 0}", ""),
        ("{energy: hypot(x, mass: 0}", ""),
        ("3", ""),
    ],
)
def test_an_expression_that_yaml_cut_at_a_comma_is_put_together(text, meant):
    assert cut_expression(yaml.safe_load(text)) == meant
