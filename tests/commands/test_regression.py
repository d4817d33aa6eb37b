"""Regression and weights through the commands, in one process."""

import json
import shutil

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.commands.here import run_named, working_in

SMALL = (
    *("model=pfn", "model.phi_sizes=[16]", "model.f_sizes=[16]", "data=jetclass", "data.classes=[QCD,Hbb]"),
    *("trainer=quick", "trainer.max_epochs=1", "data.n_train=128", "data.n_val=64", "data.n_test=64"),
)
MASS = ("loss=gaussian_nll", "data.targets=[jet_sdmass]", "data.observers=[mass,jet_pt]", "loss.compare_with=[mass]")


@pytest.fixture(autouse=True)
def home(tmp_path):
    with working_in(tmp_path):
        yield tmp_path


def test_a_regression_is_trained_evaluated_and_predicts(run, tmp_path):
    weights = ("data.weight=jet_pt", "data.balance=classes", "data.reweight.variables=[jet_pt]", "data.reweight.to=QCD")
    assert run("train", *SMALL, *MASS, *weights, "name=first").startswith("0 ")
    assert run("train", *SMALL, *MASS, *weights, "name=second").startswith("0 ")
    folders = [run_named(tmp_path, name).path for name in ("first", "second")]
    first, second = (json.loads((folder / "metrics.json").read_text()) for folder in folders)
    measured = [key for key in first if key.startswith("test/")]
    assert {"test/bias_jet_sdmass", "test/pull_width_jet_sdmass_err", "test/compared_resolution_jet_sdmass"} <= set(
        measured
    )
    assert [first[key] for key in measured] == [second[key] for key in measured]  # reproducible to the last digit

    table = pq.read_table(folders[0] / "predictions.parquet")
    column = {name: table[name].to_numpy() for name in table.column_names}
    residual = column["predicted_jet_sdmass"].astype(float) - column["target_jet_sdmass"]
    weight = column["weight"].astype(float)
    assert first["test/bias_jet_sdmass"] == pytest.approx(weight @ residual / weight.sum(), rel=1e-5)
    pull = residual / column["sigma_jet_sdmass"]
    assert first["test/pull_mean_jet_sdmass"] == pytest.approx(weight @ pull / weight.sum(), rel=1e-4, abs=1e-6)
    assert (column["mass"] > 0).all()
    assert np.ptp(column["jet_pt"]) > 0
    assert {path.stem for path in (folders[0] / "plots").iterdir()} == {
        *("prediction_jet_sdmass", "residuals_jet_sdmass", "response_jet_sdmass", "pull_jet_sdmass"),
        "residuals_against_jet_sdmass",
        "learning_curves",
    }

    assert run("evaluate", str(folders[0]), "--split", "val", "--out", "again").startswith("0 ")
    again = json.loads((tmp_path / "again" / "metrics.json").read_text())
    assert again["val/resolution_jet_sdmass"] == pytest.approx(first["val/resolution_jet_sdmass"], rel=1e-6)

    sample = folders[0].parent / "sample.arrow"
    assert run("data", "export", "jetclass", "--split", "test", "--format", "arrow", "--out", str(sample)).startswith(
        "0 "
    )
    assert run("predict", str(folders[0]), "--input", str(sample), "--out", "scored.parquet").startswith("0 ")
    scored = pq.read_table(tmp_path / "scored.parquet")
    assert {"predicted_jet_sdmass", "sigma_jet_sdmass", "mass"} <= set(scored.column_names)
    assert not {"target_jet_sdmass", "weight"} & set(scored.column_names)


def test_new_events_are_scored_where_the_simulation_of_the_training_is_not(run, tmp_path):
    words = ("model=mlp", "data=muon_stations", "loss=mse", "trainer=quick", "trainer.max_epochs=1", "name=muons")
    assert run("train", *words, "data.source=generate", "data.n_generate=3000").startswith("0 ")
    assert run("data", "export", "muon_stations", "--split", "test", "--format", "arrow", "--out", "new.arrow")
    folder = str(run_named(tmp_path, "muons").path)
    assert run("predict", folder, "--input", "new.arrow", "--out", "there.parquet").startswith("0 ")
    shutil.rmtree(tmp_path / "data" / "muon_stations")
    assert run("predict", folder, "--input", "new.arrow", "--out", "elsewhere.parquet").startswith("0 ")
    assert pq.read_table("elsewhere.parquet").equals(pq.read_table("there.parquet"))
    assert not list((tmp_path / "data" / "muon_stations").glob("*n3000*"))  # nothing was simulated for it


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("loss=mse",),
            "MeanSquaredError needs real numbers to predict for each example; name them in dataset.targets",
        ),
        (("loss=mse", "data.targets=[jet_sdmas]"), "unknown 'jet_sdmas'; did you mean jet_sdmass?"),
        (("loss=circuit_values", "data.balance=classes"), "CircuitValues does not use the weights of examples"),
        (
            ("loss=element_cross_entropy",),
            "needs a class for each particle or node; name them in dataset.element_targets",
        ),
        (("loss=element_cross_entropy", "data.element_targets=[type]"), "PFN does not give them"),
        (
            ("loss=pair_cross_entropy",),
            "needs groups of particles or nodes that belong together; name them in dataset.pair",
        ),
        (
            ("loss=pair_cross_entropy", "data.pair_targets=[typ]"),
            "dataset.pair_targets: unknown 'typ'; did you mean type?",
        ),
        (("loss=pair_cross_entropy", "data.pair_targets=[type]"), "PFN does not give them"),
        (("loss=mse", "data.element_targets=[d0val]"), "are of each particle or node: set loss.of=element"),
        (
            ("model=graph_encoder", "loss=mse", "data.targets=[mass]"),
            "needs one output for each value to predict, 1 for mass",
        ),
    ],
)
def test_what_does_not_fit_together_is_refused_in_one_line(run, tmp_path, words, said: str):
    given = [word for word in SMALL if not (word.startswith("model") and words[0].startswith("model="))]
    answer = run("train", *given, *words)
    assert answer.startswith("2 hepexp: error: ")
    assert said in answer
    assert answer.count("\n") == 1
    assert not (tmp_path / "runs").exists()
