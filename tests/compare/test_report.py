import os
import re

import pytest

from hepexp.cli.report import main
from hepexp.compare.columns import columns
from hepexp.compare.groups import group
from hepexp.compare.overlay import overlay
from hepexp.compare.report import write_report
from hepexp.compare.table import Table
from hepexp.errors import ConfigError
from hepexp.learning.multirun import MultirunJob, plan
from tests.compare.runs import run, scores
from tests.compare.test_table import EXPECTED, LINK


def page_of(path, records, title="title"):
    groups = group(records)
    write_report(path, title, [Table(groups, columns(groups))])
    return path.read_text()


def test_a_page_holds_all_that_it_shows(tmp_path):
    record = run(tmp_path, "a", scores(1, 1), expected=EXPECTED)
    overlay(record.path / "plots" / "roc_curve.png", group([record]))
    page = page_of(tmp_path / "report.html", [record])
    assert "0.99 [1]" in page
    assert LINK in page
    assert "against the document: source mini against full" in page
    assert "σ" not in page
    assert "roc curve" in page
    assert "data:image/png;base64," in page
    assert not re.search(r"(src|href)=\"(?!data:)", page)  # nothing is fetched from elsewhere


def test_what_runs_are_called_cannot_become_markup(tmp_path):
    page = page_of(tmp_path / "report.html", [run(tmp_path, "a", scores(1, 1))], title="<script>alert(1)</script>")
    assert "<script>" not in page


def test_an_experiment_is_compared(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HEPEXP_RUNS_DIR", str(tmp_path))
    run(tmp_path, "a", scores(1, 1))
    run(tmp_path, "b", scores(2, 1), model="lorentznet")
    assert main(["tests"]) == 0
    page = (tmp_path / "tests" / "report.html").read_text()
    assert str(tmp_path / "tests" / "report.html") in capsys.readouterr().out
    assert "Comparison" in page
    assert "<td>lorentznet</td>" in page
    assert page.count("<h2>tests/") == 2


def test_no_page_goes_where_only_a_file_of_the_folder_says(tmp_path, monkeypatch):
    monkeypatch.setenv("HEPEXP_RUNS_DIR", str(tmp_path / "runs"))
    record, multirun = run(tmp_path / "elsewhere", "a", scores(1, 1)), tmp_path / "runs" / "tests" / "x_multirun"
    plan(multirun, [["seed=1"]])
    MultirunJob(0, ["seed=1"], "FINISHED", str(record.path)).write(multirun)
    with pytest.raises(ConfigError, match=r"would go to .*/elsewhere/tests/a, which is not below .*: --out FILE"):
        main([str(multirun)])
    assert not (record.path / "report.html").exists()
    assert main([str(record.path)]) == 0  # the user says so
    assert (record.path / "report.html").exists()


def test_pictures_from_outside_of_a_run_are_not_embedded(tmp_path):
    record = run(tmp_path, "a", scores(1, 1))
    overlay(tmp_path / "elsewhere" / "private.png", group([record]))
    (record.path / "plots").symlink_to(tmp_path / "elsewhere")
    assert "private" not in page_of(tmp_path / "report.html", [record])
    (record.path / "plots").unlink()
    (record.path / "plots").mkdir()
    (record.path / "plots" / "private.png").symlink_to(tmp_path / "elsewhere" / "private.png")
    os.mkfifo(record.path / "plots" / "zz.png")
    assert "data:image/png" not in page_of(tmp_path / "report.html", [record])
