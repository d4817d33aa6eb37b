import os

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hepexp.cli import compare
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
    with pytest.raises(ConfigError, match="none of 3 runs under"):
        select([], tags={"study": "a"})
    with pytest.raises(ConfigError, match=r"pf\* names none of the 3 runs under .*; .*write e.g. '\*/pf\*'"):
        select(["pf*"])  # which has two runs
    assert len(select(["*/pf*"])[0]) == 2


def test_a_mean_over_some_of_the_runs_is_said(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HEPEXP_RUNS_DIR", str(tmp_path))
    run(tmp_path, "a", scores(1.0, 1), seed=1, **{"test/gain": 2.0})
    run(tmp_path, "b", scores(1.0, 2), seed=2, **{"test/gain": None})
    run(tmp_path, "c", scores(1.0, 3), seed=3)
    assert compare.main(["tests", "--columns", "gain", "--format", "csv"]) == 0
    out = capsys.readouterr()
    assert "test/gain has no value in 2 of 3 runs of pfn (seed 2, 3); the table shows the mean of the others" in out.err
    assert ",2.0," in out.out


def test_what_belongs_to_others_is_left_out_by_name(runs, monkeypatch):
    locked = {runs[0].path, runs[0].path.parent.with_name("theirs")}
    (runs[0].path.parent.with_name("theirs")).mkdir()
    monkeypatch.setattr(os, "access", lambda path, mode: path not in locked)
    found, left_out = select([])
    assert [record.path.name for record in found] == ["gin_1", "pfn_2"]
    assert left_out == dict.fromkeys(sorted(locked), "permission denied; ask its owner")
    with pytest.raises(ConfigError, match=r"pfn_1: permission denied"):
        select(["tests/pfn_1"])


def test_a_mean_without_runs_that_lie_above_it_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HEPEXP_RUNS_DIR", str(tmp_path))
    run(tmp_path, "a", scores(1.0, 1), seed=1, **{"test/gain": 20.0})
    run(tmp_path, "b", scores(1.0, 2), seed=2, **{"test/gain": None, "test/gain_bound": 300})
    assert compare.main(["tests", "--columns", "gain", "--format", "csv"]) == 0
    assert "in 1 of 2 runs of pfn (seed 2), where it exceeds 300" in capsys.readouterr().err


def deep(depth, inner="seed: 1\n"):
    return f"{inner}x: {'{a: ' * depth}1{'}' * depth}\n"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("metrics.json", f'{{"test/auc": {10**400}}}', "metrics.json: test/auc must be a number"),
        ("metrics.json", '{"test/auc": 7.5}', "test/auc is 7.5, which is impossible; expected 0 to 1"),
        ("metrics.json", '{"test/rejection_0.3": 0.2}', "expected >= 1"),
        ("history.json", '[{"epoch": 1, "val/accuracy": -1}]', "history.json: val/accuracy is -1"),
        ("history.json", '[{"epoch": 1, "val/auc": NaN}]', "history.json: val/auc must be a number, got nan"),
        ("config.yaml", "seed: 1\nloss: {_target_: 3}\n", "loss._target_ must be the path of a class, got 3"),
        ("config.yaml", deep(3000), "is nested more than 50 levels deep"),
        ("config.yaml", deep(60), "is nested more than 50 levels deep"),
        *((name, None, f"{name} is not a regular file") for name in ("history.json", "metrics.json")),
        *((name, None, f"{name} is not a regular file") for name in ("environment.json", "overrides.yaml")),
        ("predictions.parquet", None, "predictions.parquet is not a regular file"),
    ],
)
def test_one_bad_run_is_left_out_by_name_and_the_others_are_compared(runs, name, content, said):
    (runs[0].path / name).unlink()
    if content is None:
        os.mkfifo(runs[0].path / name)
    else:
        (runs[0].path / name).write_text(content)
    found, left_out = select([])
    assert [record.path.name for record in found] == ["gin_1", "pfn_2"]
    assert said in left_out[runs[0].path]


def test_rounding_beyond_a_range_and_metrics_without_one_are_no_fault(runs):
    figures = '{"test/auc": 1.0000001, "test/unheard_of": -7.5, "test/rejection_0.3": null, "data/source": "mini"}'
    (runs[0].path / "metrics.json").write_text(figures)
    assert len(select([])[0]) == 3


def test_predictions_that_other_programs_wrote_again_are_left_out_by_name(runs):
    table = pq.read_table(runs[0].folder.predictions)
    table.to_pandas().to_parquet(runs[0].folder.predictions)
    pq.write_table(table.set_column(1, "label", pa.array(["a"] * len(table))), runs[1].folder.predictions)
    found, left_out = select([])
    assert [record.path.name for record in found] == ["gin_1"]
    assert "predictions.parquet lacks class_names and split" in left_out[runs[0].path]
    assert "column label holds string, expected whole numbers" in left_out[runs[1].path]
