import csv
import io

import pytest

from hepexp.compare.columns import columns
from hepexp.compare.groups import group
from hepexp.compare.overlay import overlay
from hepexp.compare.significance import Comparison, Difference
from hepexp.compare.table import Table
from hepexp.errors import ConfigError
from tests.compare.runs import run, scores
from tests.evaluation.test_plots import is_figure

LINK = "https://arxiv.org/abs/2201.08187"
EXPECTED = {
    "published": [{"document": "Gong", "link": LINK, "data": "qg", "n_train": 500, "figures": {"test/auc": 0.99}}]
}


@pytest.fixture
def groups(tmp_path):
    figures = [{"test/auc": 0.9868, "test/auc_err": 0.00032}, {"test/auc": 0.5, "test/auc_err": 0.01}]
    return group(
        [
            run(tmp_path, "a", scores(2, 1), model="lorentz_net", expected=EXPECTED, **figures[0]),
            run(tmp_path, "b", scores(1, 2), **figures[1]),
        ]
    )


def test_latex_has_errors_in_math_and_published_figures_below(groups):
    auc = columns(groups, ["auc"])
    compared = Comparison(auc[0], "lorentz_net", [Difference(0.0, None, None), Difference(-0.4868, 0.011, 1e-9)])
    lines = Table(groups, auc, [compared]).latex().splitlines()
    assert r"lorentz\_net & 1 & $0.98680 \pm 0.00032$ &  &  \\" in lines
    assert r"\quad published [1] &  & 0.99 &  &  \\" in lines
    assert r"pfn & 1 & $0.500 \pm 0.010$ & $-0.487 \pm 0.011$ & $1 \times 10^{-9}$ * \\" in lines


def test_csv_has_plain_numbers(groups):
    rows = list(csv.DictReader(io.StringIO(Table(groups, columns(groups, ["test/auc", "model/parameters"])).csv())))
    assert [row["setting"] for row in rows] == ["lorentz_net", "pfn"]
    assert float(rows[0]["test/auc"]) == 0.9868
    assert float(rows[0]["published/test/auc"]) == 0.99
    assert rows[1]["published/test/auc"] == ""
    assert rows[0]["seeds"] == "1"


def test_markdown_says_what_the_errors_are(groups):
    text = Table(groups, columns(groups)).markdown()
    assert "bootstrap over test examples" in text
    assert f"[1] Gong: data qg, 500 training examples; {LINK}" in text
    assert "not comparable, lorentz_net against the document: source mini against full" in text
    assert "| pfn | 1 |" in text


def test_where_no_background_passes_a_lower_bound_stands(tmp_path):
    none = {"test/rejection_0.3": None, "test/rejection_0.3_err": None, "test/rejection_0.3_bound": 300}
    found = group([run(tmp_path, "a", scores(1, 1), **none), run(tmp_path, "b", scores(1, 2), model="lorentznet")])
    table = Table(found, columns(found, ["rejection_0.3"]))
    assert "& $> 300$" in table.latex()
    assert all("> lower bound at 95 % CL, as no" in text for text in (table.latex(), table.markdown(), table.caption))
    header, rows = table.cells()
    assert header[-1] == "1/εB (εS=0.3)"
    assert rows[0][-1] == "> 300"


def test_a_document_is_numbered_once_and_what_differs_is_said_once(tmp_path):
    """Rows of several tasks whose figures are in one document, and of one task with another as well."""
    other = {"document": "Qu", "link": None, "data": "qg", "n_train": 500, "figures": {"test/auc": 0.9}}
    aucs = {"gin": 0.81, "gat": 0.82, "gcn": 0.83}
    records = [
        run(tmp_path, m, scores(1, 1), model=m, expected={"published": [_with_auc(auc), *([other] * (m == "gin"))]})
        for m, auc in aucs.items()
    ]
    found = group(records)
    table = Table(found, columns(found, ["auc"]))
    published = [row for row in table.cells()[1] if "published" in row[0]]
    assert [(row[0].strip(), row[2]) for row in published] == [
        ("published [1]", "0.81"),
        ("published [2]", "0.9"),
        ("published [1]", "0.82"),
        ("published [1]", "0.83"),
    ]
    first, second, *faults = table.notes
    assert first.startswith("[1] Gong: ")
    assert second.startswith("[2] Qu: ")
    assert len(faults) == 1
    assert faults[0].startswith("[1], [2] not comparable, gin, gat, gcn against the document: source mini against full")


def _with_auc(auc):
    return {**EXPECTED["published"][0], "figures": {"test/auc": auc}}


def test_errors_are_explained_only_where_there_are_any(tmp_path):
    found = group([run(tmp_path, "a", scores(1, 1), **{"test/auc": 1.0, "test/auc_err": None})])
    table = Table(found, columns(found, ["auc"]))
    assert table.caption == ""
    assert table.markdown().splitlines()[-1].startswith("| pfn")


def test_an_unknown_metric_is_named_with_the_closest(groups):
    with pytest.raises(ConfigError, match=r"no run has a metric 'test/aucc'; did you mean test/auc\?"):
        columns(groups, ["test/aucc"])


def test_all_groups_are_in_one_figure(groups, tmp_path):
    overlay(tmp_path / "roc.png", groups)
    assert is_figure(tmp_path / "roc.png")
    overlay(tmp_path / "roc.pdf", groups)
    assert (tmp_path / "roc.pdf").read_bytes().startswith(b"%PDF")


def test_where_no_run_has_a_value_there_is_their_smallest_lower_bound(tmp_path):
    none = {"test/rejection_0.3": None, "test/rejection_0.3_err": None}
    least = [run(tmp_path, str(n), scores(3, n), seed=n, **none, **{"test/rejection_0.3_bound": n}) for n in (90, 70)]
    found = group([*least, run(tmp_path, "other", scores(1, 1), model="gin")])
    table = Table(found, columns(found, ["rejection_0.3"]))
    assert table.cells()[1][0] == ["pfn", "2", "> 70"]
    assert "pfn & 2 & $> 70$" in table.latex()
    alone = group(least)
    assert [column.metric for column in columns(alone, ["rejection_0.3"])] == ["test/rejection_0.3"]
