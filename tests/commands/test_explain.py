"""`hepexp explain`: what it leaves in the run, and what it refuses."""

import json
import re

import pyarrow.parquet as pq
import pytest

from hepexp.evaluation.rounding import with_error
from tests.commands.shell import SMALL, hepexp, one_line


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("explained")
    tiny = ["model.phi_sizes=[16,16]", "model.f_sizes=[16]", "trainer.max_epochs=1"]
    assert hepexp(folder, "train", *SMALL, *tiny).returncode == 0
    return folder


def test_it_explains_many_jets_and_judges_itself(home):
    result = hepexp(home, "explain", "latest", "--n", "12")
    assert result.returncode == 0, result.stderr
    run = home / "runs" / "latest"
    content = json.loads((run / "explain.json").read_text())
    assert content["method"] == "lrp"
    assert content["n"] == 12
    assert {"area_relevance", "area_random", "area_pT", "random_minus_relevance_err"} <= set(content["deletion"])
    assert set(content["classes"]) <= {"gluon", "quark"}
    of_class = next(iter(content["classes"].values()))
    assert {"z", "delta y", "delta phi"} <= set(of_class["columns"])
    assert "photon" in of_class["kinds"]
    table = pq.read_table(run / "relevances.parquet").to_pylist()
    assert len(table) == 12
    assert all(len(row["relevance"]) == len(row["pt"]) for row in table)
    assert {"explain_jets.png", "explain_deletion.png", "explain_averages.png"} <= {p.name for p in run.glob("plots/*")}
    assert list((home / "runs" / "mlartifacts").rglob("explain_deletion.png"))
    area, error = (content["deletion"][f"area_random{suffix}"] for suffix in ("", "_err"))
    assert re.search(rf"deletion: area random +{re.escape(with_error(area, error))}\n", result.stdout)


def test_one_jet_is_the_row_of_the_predictions(home):
    result = hepexp(home, "explain", "latest", "--jet", "17", "--class", "quark", "--method", "gradient_input")
    assert result.returncode == 0, result.stderr
    run = home / "runs" / "latest"
    (row,) = pq.read_table(run / "relevances_jet_17.parquet").to_pylist()
    assert json.loads((run / "explain_jet_17.json").read_text())["class"] == "quark"
    assert row["index"] == pq.read_table(run / "predictions.parquet")["index"][17].as_py()
    assert row["explained"] == "quark"
    assert (run / "plots" / "explain_jet_17.png").is_file()


def test_a_folder_of_its_own_leaves_the_run_as_it_is(home):
    run = home / "runs" / "latest"
    before = {path: path.stat().st_mtime_ns for path in run.rglob("*")}
    words = ("explain", "latest", "--n", "6", "--split", "val", "--out", "explained")
    result = hepexp(home, *words)
    assert result.returncode == 0, result.stderr
    assert "written to explained: plots/explain_jets.png" in result.stdout
    assert json.loads((home / "explained" / "explain.json").read_text())["split"] == "val"
    assert pq.read_table(home / "explained" / "relevances.parquet").num_rows == 6
    assert {path: path.stat().st_mtime_ns for path in run.rglob("*")} == before
    assert "already holds explain.json" in one_line(hepexp(home, *words), 2)
    assert hepexp(home, *words, "--overwrite").returncode == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--jet", "300"], "--jet must be from 0 to 299, the test split's last, got 300"),
        (["--jet", "-1"], "must be a whole number >= 0"),
        (["--n", "301"], "--n must be <= 300, the size of the test split, got 301"),
        (["--n", "0"], "must be a whole number >= 1"),
        (["--jet", "1", "--n", "2"], "--jet explains one example and --n several"),
        (["--method", "lpr"], "did you mean lrp?"),
        (["--method", "attention", "--n", "2"], "PFN has no attention"),
        (["--class", "quarc"], "did you mean quark?"),
    ],
)
def test_a_wrong_request_is_one_line(home, words, said):
    assert said in one_line(hepexp(home, "explain", "latest", *words), 2)


def test_a_run_that_is_no_classifier_is_refused(tmp_path):
    small = ["data=qg", "dataset.n_train=64", "dataset.n_val=64", "dataset.n_test=64", "trainer=quick"]
    regression = ["model=pfn", "loss=huber", "data.targets=[mass]", "trainer.max_epochs=1"]
    assert hepexp(tmp_path, "train", *small, *regression).returncode == 0
    said = one_line(hepexp(tmp_path, "explain", "latest"), 2)
    assert "is not the run of a classifier (loss=huber)" in said
    assert not (tmp_path / "runs" / "latest" / "explain.json").exists()


def test_the_toy_s_third_feature_is_found(tmp_path):
    assert hepexp(tmp_path, "train", "task=lrp_toy", "trainer.max_epochs=3").returncode == 0
    result = hepexp(tmp_path, "explain", "latest", "--n", "60")
    assert result.returncode == 0, result.stderr
    content = json.loads((tmp_path / "runs" / "latest" / "explain.json").read_text())
    assert content["method"] == "lrp"
    shares, of_below = (
        {name: share for name, (share, _) in content["classes"][kind]["columns"].items()} for kind in ("above", "below")
    )
    table = pq.read_table(tmp_path / "runs" / "latest" / "relevances.parquet").to_pylist()
    assert set(shares) == {"first", "second", "third"}
    assert len(table[0]["relevance"]) == 8
    for found in (shares, of_below):
        assert found["third"] > 5 * max(abs(found["first"]), abs(found["second"]))
    deletion = content["deletion"]
    assert deletion["area_relevance"] < deletion["area_random"]
