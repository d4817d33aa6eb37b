import os

import pytest

from hepexp.compare.select import select
from hepexp.errors import ConfigError
from tests.compare.runs import run, scores


@pytest.fixture
def runs(tmp_path, monkeypatch):
    monkeypatch.setenv("HEPEXP_RUNS_DIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return [run(tmp_path, name, scores(1, 1), model=name[:3]) for name in ("pfn_1", "pfn_2", "gin_1")]


def names(*words, **filters):
    return [record.path.name for record in select(words, **filters)[0]]


def test_runs_are_found_by_folder_pattern_and_experiment(runs):
    assert names("tests/pfn_2") == ["pfn_2"]
    assert names("tests/pfn_*") == ["pfn_1", "pfn_2"]
    assert names("tests") == names() == ["gin_1", "pfn_1", "pfn_2"]
    assert names("tests/gin_1", "tests/gin_1", "tests") == ["gin_1", "pfn_1", "pfn_2"]  # each once


def test_a_run_without_metrics_is_left_out_and_said(runs):
    os.remove(runs[0].path / "metrics.json")
    found, unfinished = select(["tests"])
    assert [record.path.name for record in found] == ["gin_1", "pfn_2"]
    assert [path.name for path in unfinished] == ["pfn_1"]


def test_no_match_is_said(runs):
    with pytest.raises(ConfigError, match=r"no run 'tests/pnf_1'.*did you mean tests/pfn_1"):
        select(["tests/pnf_1"])
    with pytest.raises(ConfigError, match="no run of task 'x'"):
        select([], task="x")
    with pytest.raises(ConfigError, match="no runs match, of 3"):
        select([], tags={"study": "a"})
