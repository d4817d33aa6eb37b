"""Runs of different kinds or with different test sets get separate tables; what cannot be read is left out."""

import csv
import io
import shutil

import pyarrow as pa
import pytest

from hepexp.cli import compare
from hepexp.compare.sections import sections
from hepexp.errors import ConfigError
from hepexp.evaluation.predictions import write_predictions
from tests.compare.runs import run, scores


@pytest.fixture
def mixed(tmp_path, monkeypatch):
    """Two classifiers and an autoencoder on one test set, a classifier on another one, circuits without any."""
    monkeypatch.setenv("HEPEXP_RUNS_DIR", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "120")
    found = [
        run(tmp_path, "a", scores(1, 1), choices={"task": "first"}),
        run(tmp_path, "b", scores(3, 2), model="gin", choices={"task": "second"}),
        run(tmp_path, "c", scores(1, 1, n=500), choices={"task": "first"}),
        run(tmp_path, "d", scores(1, 1), choices={"task": "third", "loss": "elbo"}),
        run(tmp_path, "e", scores(1, 1), choices={"task": "circuits", "loss": "circuit_values", "dataset": "empty"}),
    ]
    found[3].folder.write_json("metrics.json", {"test/reconstruction_mse": 0.5, "model/parameters": 10})
    found[4].folder.write_json("metrics.json", {"test/z_0": 0.25, "model/parameters": 0})
    found[4].folder.write_json("environment.json", {"data": {"source": "none"}})
    found[4].folder.predictions.unlink()
    return tmp_path / "tests"


def printed(capsys, *words):
    assert compare.main(list(words)) == 0
    return capsys.readouterr()


def test_each_test_set_and_each_kind_has_its_table_with_differences_inside_it(mixed, capsys):
    tables = printed(capsys).out.split("\n\n")
    assert [table.splitlines()[0] for table in tables] == [
        "classifiers on qg (mini), 600 test examples",
        "classifiers on qg (mini), 500 test examples",
        "autoencoders on qg (mini), 600 test examples",
        "circuit values",
    ]
    assert ["Δ AUC" in table for table in tables] == [True, False, False, False]
    rows = [[line.split()[0] for line in table.splitlines() if line.startswith(TASKS)] for table in tables]
    assert rows == [["first", "second"], ["first"], ["third"], ["circuits"]]


TASKS = ("first", "second", "third", "circuits ")


def test_one_csv_has_the_rows_of_all_tables(mixed, capsys):
    rows = list(csv.DictReader(io.StringIO(printed(capsys, "--format", "csv").out)))
    assert [row["setting"] for row in rows] == ["first", "second", "first", "third", "circuits"]
    assert rows[0]["table"] == rows[1]["table"] != rows[2]["table"]
    assert (rows[3]["test/reconstruction_mse"], rows[3]["test/auc"]) == ("0.5", "")


def test_a_column_without_any_label_makes_no_other_test_set(tmp_path):
    """Regressions were recorded with such a column once."""
    old, new = (run(tmp_path, name, scores(1, 1)) for name in "ab")
    table = pa.table({"index": [2, 0, 1], "label": pa.nulls(3, pa.int64()), "predicted_mass": [1.0, 2.0, 3.0]})
    write_predictions(old.folder.predictions, table)
    write_predictions(new.folder.predictions, table.drop_columns(["label"]))
    assert old.tested == new.tested != (0, "")


def test_columns_that_a_table_lacks_are_said(mixed, capsys):
    said = printed(capsys, "--columns", "auc,z_0")
    assert "left out autoencoders on qg (mini), 600 test examples: it has none of --columns auc,z_0" in said.err
    assert "test/z_0" in said.out
    with pytest.raises(ConfigError, match="no run has a metric 'z_1'"):
        compare.main(["--columns", "z_1"])


def test_a_figure_of_several_test_sets_is_refused(mixed, tmp_path):
    with pytest.raises(ConfigError, match="--plot needs runs of one kind and one test set"):
        compare.main(["--plot", str(tmp_path / "a.png")])


def test_a_row_to_compare_with_is_looked_for_in_every_table(mixed, capsys):
    assert "Δ AUC relative to first" in printed(capsys, "--against", "first").out
    with pytest.raises(ConfigError, match=r"--against 'fourth' is not a row .rows: first, second"):
        compare.main(["--against", "fourth"])


def test_test_sets_of_one_size_have_different_titles(tmp_path):
    a, b = run(tmp_path, "a", scores(1, 1)), run(tmp_path, "b", scores(1, 1))
    data = {"source": "mini", "files": [{"name": "other", "sha256": "c"}]}
    b.folder.write_json("environment.json", {"data": data})
    first, second = sections([a, b])
    assert first.title != second.title
    assert "other" in second.title


FILES = ["metrics.json", "config.yaml", "environment.json", "predictions.parquet", "history.json", "overrides.yaml"]


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("damage", ["cut", "binary"])
def test_a_run_that_cannot_be_read_is_left_out_by_name(mixed, capsys, name, damage):
    file = mixed / "b" / name
    content = b"[model.width=3, " if name == "overrides.yaml" else file.read_bytes()
    file.write_bytes(content[: len(content) * 2 // 3] if damage == "cut" else b"\xff\xfe\x00")
    said = printed(capsys)
    assert f"left out tests/b: {name}" in said.err
    assert "second" not in said.out
    assert "first" in said.out


@pytest.mark.parametrize("name", FILES[:4])
def test_an_empty_file_is_no_record(mixed, capsys, name):
    (mixed / "b" / name).write_bytes(b"")
    assert f"left out tests/b: {name}" in printed(capsys).err


def test_when_no_run_can_be_read_that_is_the_error(mixed):
    (mixed / "a" / "metrics.json").write_text("")
    with pytest.raises(ConfigError, match=r"none of 1 runs can be read; tests/a: metrics.json is empty, truncated"):
        compare.main(["tests/a"])


def test_repeats_of_a_run_are_one_run(tmp_path, monkeypatch, capsys):
    """Three times the same seed says nothing about the spread over seeds."""
    monkeypatch.setenv("HEPEXP_RUNS_DIR", str(tmp_path))
    for name, separation in (("a", 1.0), ("b", 1.1), ("c", 1.2)):
        run(tmp_path, name, scores(separation, 1))
    newest = run(tmp_path, "c", scores(1.2, 1))
    said = printed(capsys, "--columns", "auc", "--format", "csv")
    (row,) = csv.DictReader(io.StringIO(said.out))
    assert (row["runs"], row["seeds"]) == ("1", "1")
    assert float(row["test/auc"]) == newest.metrics["test/auc"]
    assert float(row["test/auc_err"]) == newest.metrics["test/auc_err"]
    assert "only the newest run of each setting and seed counts; not counted: tests/a, tests/b" in said.err
    out = printed(capsys).out
    assert "over seeds" not in out
    assert "only the newest run of each setting and seed counts" in out


def test_equal_scores_are_compared(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HEPEXP_RUNS_DIR", str(tmp_path))
    run(tmp_path, "a", scores(1, 1))
    run(tmp_path, "b", scores(1, 1), model="gin")
    out = printed(capsys).out
    assert "0 ± 0" in out
    assert "and the spread over seeds" not in out
    assert "without the spread between trainings (one run per row)" in out


def test_a_mean_over_some_of_the_runs_says_over_how_many(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HEPEXP_RUNS_DIR", str(tmp_path))
    for seed, value in enumerate((115.0, 115.0, None, None, None, None), start=1):
        run(tmp_path, str(seed), scores(1, seed), seed=seed, **{"test/gain": value})
    assert "115 ± 0 (2 of 6)" in printed(capsys, "--columns", "gain").out
    assert r"$115 \pm 0$ (2 of 6)" in printed(capsys, "--columns", "gain", "--format", "latex").out
    (row,) = csv.DictReader(io.StringIO(printed(capsys, "--columns", "gain", "--format", "csv").out))
    assert (row["test/gain_n"], row["runs"]) == ("2", "6")


def test_seeds_of_a_chain_of_tasks_are_one_setting(tmp_path, monkeypatch, capsys):
    """The weights that each of them took come from runs that differ by their seed alone."""
    monkeypatch.setenv("HEPEXP_RUNS_DIR", str(tmp_path))
    for seed in (1, 2):
        run(tmp_path, f"first_{seed}", scores(1, seed), seed=seed, choices={"task": "encoder"})
        weights = f"tests/first_{seed}/checkpoints/best.ckpt"
        needs = {"model.weights": {"task": "encoder", "file": weights}}
        settings = {"weights": weights}
        run(tmp_path, f"then_{seed}", scores(2, seed), seed=seed, settings=settings, needs=needs)
    rows = list(csv.DictReader(io.StringIO(printed(capsys, "--format", "csv").out)))
    assert [(row["setting"], row["seeds"]) for row in rows] == [("encoder", "1 2"), ("pfn", "1 2")]
    shutil.rmtree(tmp_path / "tests" / "first_1")  # nothing says any more that they are alike
    rows = list(csv.DictReader(io.StringIO(printed(capsys, "--format", "csv").out)))
    assert [row["seeds"] for row in rows] == ["2", "1", "2"]


def test_figures_of_the_test_are_compared_that_no_scores_give(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HEPEXP_RUNS_DIR", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "160")
    for k, name in enumerate(("a", "b")):
        figures = {"test/retrieval_top1": 0.5 + 0.2 * k, "test/retrieval_top1_err": 0.02, "train/seconds": 3.0}
        run(tmp_path, name, scores(1, 1), model=name, **figures)
    out = printed(capsys, "--by", "retrieval_top1", "--columns", "retrieval_top1").out
    assert "-0.200 ± 0.028" in out
    assert "Δ retrieval top-1 relative to b: errors of both rows" in out
    with pytest.raises(ConfigError, match=r"--by: there is no figure of merit 'seconds'"):
        compare.main(["--by", "seconds"])
    with pytest.raises(ConfigError, match=r"no run has a metric 'pair_accuracy'; did you mean test/accuracy"):
        compare.main(["--by", "pair_accuracy"])


def test_samplers_share_a_table_and_a_figure_whatever_they_draw(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("HEPEXP_RUNS_DIR", str(tmp_path))
    choices = {"loss": "sampling", "dataset": "empty"}
    for model, n, step in (("hmc", 64, 1), ("hmc", 64, 2), ("lattice_u1", 512, 1), ("lattice_u1", 512, 2)):
        folder = run(tmp_path, f"{model}{step}", scores(1, 1), 1, model, {"step": step}, choices=choices).folder
        folder.write_json("environment.json", {"data": {"source": "none"}})
        folder.write_json("metrics.json", {"test/tau_int": 2.0 * step, "test/tau_int_err": 0.1})
        write_predictions(folder.predictions, pa.table({"index": range(n), "charge": [0.0] * n}))
    (table,) = printed(capsys, "--x", "step", "--y", "tau_int", "--plot", str(tmp_path / "a.png")).out.split("\n\n")
    assert all(model in table for model in ("hmc", "lattice_u1"))
    assert (tmp_path / "a.png").stat().st_size > 10_000
