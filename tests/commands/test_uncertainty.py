"""Ensembles, calibrated scores and conformal sets by the real commands."""

import json
import shutil
from functools import partial

import numpy as np
import pyarrow.parquet as pq
import pytest

from hepexp.evaluation.predictions import read_predictions
from tests.commands import shell

SMALL = ["data=top", "data.n_train=200", "data.n_val=100", "data.n_test=100", "trainer=quick", "trainer.max_epochs=1"]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with a multirun of two seeds."""
    folder = tmp_path_factory.mktemp("uncertainty")
    result = shell.hepexp(folder, "train", "model=pfn", "seeds=2", "model.phi_sizes=[16]", "model.f_sizes=[16]", *SMALL)
    assert result.returncode == 0, result.stderr
    return folder


@pytest.fixture(scope="module")
def hepexp(home):
    return partial(shell.hepexp, home)


def multirun(home) -> str:
    return str(next((home / "runs" / "hepexp").glob("*_multirun")))


def test_an_ensemble_is_evaluated_and_calibrated(home, hepexp):
    words = ["--calibrate", "--conformal", "0.8", "--out", "both"]
    result = hepexp("evaluate", multirun(home), *words)
    assert result.returncode == 0, result.stderr
    assert "an ensemble of 2 runs" in result.stdout
    assert "uncalibrated" in result.stdout
    metrics = json.loads((home / "both" / "metrics.json").read_text())
    parts = [metrics[f"test/brier_{part}"] for part in ("reliability", "resolution", "uncertainty")]
    assert metrics["test/brier_score"] == pytest.approx(parts[0] - parts[1] + parts[2], abs=1e-9)
    assert metrics["calibration/temperature"] > 0
    table = pq.read_table(home / "both" / "predictions.parquet")
    inside = np.stack([table[f"in_set_0.8_{name}"].to_numpy() for name in ("qcd", "top")], 1)
    covered = np.take_along_axis(inside, table["label"].to_numpy()[:, None], 1).mean()
    assert metrics["test/conformal_coverage_0.8"] == pytest.approx(covered)
    assert {path.name for path in (home / "both" / "plots").iterdir()} >= {"conformal.png", "reliability.png"}


def test_the_scores_of_an_ensemble_are_the_means_of_those_of_its_runs(home, hepexp):
    exported = hepexp("data", "export", "top", "--split", "test", "--out", "jets.parquet")
    assert exported.returncode == 0, exported.stderr
    runs = sorted(map(str, (home / "runs" / "hepexp").glob("*_pfn_top*")))
    assert len(runs) == 2
    for name, words in (("a", runs[:1]), ("b", runs[1:]), ("both", [multirun(home)])):
        result = hepexp("predict", *words, "--input", "jets.parquet", "--out", f"{name}.parquet")
        assert result.returncode == 0, result.stderr
    a, b, both = (read_predictions(home / f"{name}.parquet") for name in ("a", "b", "both"))
    np.testing.assert_allclose(both.scores, (a.scores + b.scores) / 2, atol=1e-6)
    np.testing.assert_allclose(both.columns["spread_top"], abs(a.scores - b.scores)[:, 1] / np.sqrt(2), atol=1e-6)
    p = both.scores.astype(np.float64)
    total = both.columns["aleatoric"] + both.columns["epistemic"]
    np.testing.assert_allclose(total, -(p * np.log(p)).sum(1), atol=1e-5)


def test_files_get_the_calibrated_scores_and_the_sets_that_the_same_examples_get_in_the_test(home, hepexp):
    words = ["--calibrate", "--conformal", "0.8"]
    assert hepexp("evaluate", "latest", *words, "--out", "judged").returncode == 0
    exported = hepexp("data", "export", "top", "--split", "test", "--out", "all.parquet")
    assert exported.returncode == 0, exported.stderr
    result = hepexp("predict", "latest", "--input", "all.parquet", "--out", "calibrated.parquet", *words)
    assert result.returncode == 0, result.stderr
    judged, found = (
        np.stack(
            [pq.read_table(home / file)[name].to_numpy() for name in ("score_top", "in_set_0.8_qcd", "in_set_0.8_top")],
            1,
        )
        for file in ("judged/predictions.parquet", "calibrated.parquet")
    )
    same = abs(judged[:, None] - found).max(-1) < 1e-6  # the file has more jets, in another order
    assert same.any(1).all()


def test_a_run_is_evaluated_with_the_posterior_of_its_last_layer_and_with_shifts(home, hepexp):
    shifts = ["--shift", "p4.scale=1.05,0.95", "--shift", "p4.drop=0.2"]
    result = hepexp("evaluate", "latest", "--laplace", *shifts, "--out", "shifted")
    assert result.returncode == 0, result.stderr
    metrics = json.loads((home / "shifted" / "metrics.json").read_text())
    assert metrics["test/epistemic"] > 0
    changes = json.loads((home / "shifted" / "shifts.json").read_text())
    assert list(changes) == ["p4.scale=1.05", "p4.scale=0.95", "p4.drop=0.2"]
    assert abs(changes["p4.scale=1.05"]["auc"]["change"]) < 1e-3  # a PFN reads fractions of the jet's pT
    assert changes["p4.drop=0.2"]["loss"]["change"] != 0
    (channel,) = json.loads((home / "shifted" / "templates.json").read_text())["channels"]
    assert sum(sum(sample["data"]) for sample in channel["samples"]) == 100
    assert (home / "shifted" / "plots" / "template_p4.drop.png").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["evaluate", "latest", "--calibrate", "--split", "val"], "--calibrate is fitted to the validation examples"),
        (["evaluate", "latest", "--conformal", "90"], "--conformal 90: a coverage is between 0 and 1, such as 0.9"),
        (["evaluate", "latest", "latest"], "is named twice; an ensemble needs different runs"),
        (
            ["evaluate", "latest", "--shift", "d0val.scale=1.1"],
            "the data set has no column 'd0val' (known: p4, E, px, py",
        ),
        (
            ["evaluate", "latest", "--shift", "p4.scale"],
            "expected COLUMN.OPERATION=VALUE or =UP,DOWN, such as p4.scale",
        ),
        (["evaluate", "data.n_test=10"], "no RUN is named beside data.n_test=10"),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_line(hepexp, words, said):
    assert said in shell.one_line(hepexp(*words), 2)


def test_runs_with_other_classes_are_no_ensemble(home, hepexp):
    other = home / "other"
    shutil.copytree((home / "runs" / "latest").resolve(), other)
    config = (other / "config.yaml").read_text()
    (other / "config.yaml").write_text(config.replace("  dataset: top\n", "  dataset: qg\n"))
    files = ("--input", "jets.npz", "--out", "scores.parquet")  # of neither data set
    for words in (("evaluate", "latest", "other"), ("predict", "latest", "other", *files)):
        message = shell.one_line(hepexp(*words), 2)
        assert "has dataset=qg, but hepexp/" in message
        assert message.endswith("dataset=top; an ensemble is of runs that predict the same")
