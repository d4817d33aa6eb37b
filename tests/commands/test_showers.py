"""Generators of showers through the commands, in one process: trained, judged by shapes and classifiers, sampled."""

import json

import numpy as np
import pyarrow.parquet as pq
import pytest

from hepexp.cli import main as shell
from hepexp.learning import generation
from tests.commands.here import diverged, run_named, working_in

SMALL = (
    *("data.n_train=120", "data.n_val=20", "data.n_test=40", "data.batch_size=40", "trainer.max_epochs=1"),
    *("trainer.progress=false", "evaluation.classifier_widths=[8]", "evaluation.classifier_epochs=2"),
)
RUNS = {
    "gan": ("train", "task=calogan", *SMALL, "model.n_latent=4"),
    "flow": ("train", "task=calo_flow_matching", *SMALL, "model.widths=[8]", "model.n_blocks=1", "loss.steps=2"),
}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with a GAN and a flow."""
    folder = tmp_path_factory.mktemp("home")
    with working_in(folder) as patch:
        patch.setattr(generation, "PASSES", 1)
        for name, words in RUNS.items():
            assert shell.main([*words, f"name={name}"]) == 0
        yield folder


@pytest.mark.parametrize("name", RUNS)
def test_showers_are_judged_by_their_shapes_beside_the_truth_itself(home, name):
    found = run_named(home, name)
    metrics = json.loads((found.path / "metrics.json").read_text())
    for figure in ("w1", "separation"):
        for observable in ("response", "share", "width_x", "width_y", "e_ratio", "occupancy", "depth_spread"):
            for key in (f"test/{figure}_{observable}", f"test/{figure}_{observable}_floor"):
                assert np.isfinite(metrics[key]), key
                assert metrics[f"{key}_err"] > 0, key
    assert metrics["test/separation_width_y"] > metrics["test/separation_width_y_floor"]  # hardly trained
    assert 0.98 < metrics["test/mean_response_truth"] < 1.0
    assert metrics["test/mean_response"] > 0
    for level in ("low", "high"):
        for key in (f"test/classifier_auc_{level}", f"test/classifier_auc_{level}_floor"):
            assert 0 <= metrics[key] <= 1
            assert metrics[f"{key}_err"] is not None or metrics[key] in (0, 1)  # which all replicas have, too
    drawn = {path.name for path in found.plots.iterdir()}
    assert {"showers_mean.png", "showers_single.png", "observable_share.png", "observable_response.png"} <= drawn


@pytest.mark.parametrize("name", RUNS)
def test_a_run_can_be_judged_again_by_other_classifiers(home, run, name):
    said = run("evaluate", str(run_named(home, name).path), "evaluation.classifier_epochs=0", "--out", f"again_{name}")
    assert said.startswith("0 "), said
    metrics = json.loads((home / f"again_{name}" / "metrics.json").read_text())
    assert not any("classifier" in key for key in metrics)
    before = json.loads((run_named(home, name).path / "metrics.json").read_text())
    assert metrics["test/separation_share"] == pytest.approx(before["test/separation_share"], rel=1e-3)


@pytest.mark.parametrize("name", RUNS)
def test_showers_of_one_energy_can_be_sampled_and_read_by_other_commands(home, run, name):
    out = f"{name}.parquet"
    said = run("sample", str(run_named(home, name).path), "--n", "30", "--condition", "energy=50", "--out", out)
    assert said.startswith("0 ")
    assert "outside" not in said
    table = pq.read_table(home / out)
    assert set(table["energy"].to_pylist()) == {50.0}
    assert set(table["label"].to_pylist()) == {1}
    assert min(min(cells, default=1) for cells in table["value"].to_pylist()) > 0
    assert run("data", "inspect", out).startswith("0 ")
    published = run("sample", str(run_named(home, name).path), "--n", "5", "--out", f"{name}.hdf5")
    assert published.startswith("0 ")
    assert run("data", "inspect", f"{name}.hdf5").startswith("0 ")


def test_an_energy_outside_the_training_is_warned_of_with_its_range(home, run):
    said = run(
        "sample", str(run_named(home, "flow").path), "--n", "5", "--condition", "energy=500", "--out", "far.parquet"
    )
    assert said.startswith("0 ")
    assert "energy=500 is outside the training's range, 1." in said
    assert "the network extrapolates" in said


BAD = [
    (("--n", "0"), "--n must be from 1 to 1,000,000,000, got 0"),
    (("--condition", "energy=0"), "--condition energy=0: expected 0.001 to 100000 GeV"),
    (("--condition", "energy=hot"), "--condition energy=hot: expected a number"),
    (("--condition", "label=gamma"), "--condition label: the run was not trained with this condition"),
    (("--condition", "number=5"), "--condition number: the run was not trained with this condition (it has: energy)"),
]


@pytest.mark.parametrize(("words", "message"), BAD, ids=lambda x: " ".join(x) if isinstance(x, tuple) else "")
def test_showers_that_cannot_be_made_are_refused_in_a_line(home, run, words, message):
    said = run("sample", str(run_named(home, "gan").path), *words, "--out", "refused.parquet")
    assert said.startswith("2 ")
    assert message in said
    assert "Traceback" not in said
    assert not (home / "refused.parquet").exists()


def test_a_diverged_generator_is_refused_in_a_line(home, run, tmp_path):
    gan = run_named(home, "gan")
    spoilt = diverged(gan, "model.streams.0", tmp_path / "spoilt.ckpt")
    said = run("sample", str(gan.path), "--n", "10", "--checkpoint", spoilt, "--out", "nan.parquet")
    assert said.startswith("1 ")
    assert "10 of 10 generated showers are NaN or infinite: the training diverged" in said
    assert not (home / "nan.parquet").exists()


KEYS = [
    (("task=calogan", "data.features.power=0.5"), "set 'data.features.variables=[cells]' data.features.power=1"),
    (("task=calogan", "data.extras=[]"), "needs the energy of the particle: set 'data.extras=[energy]', got []"),
    (("task=calo_flow_matching", "data.extras=[]"), "needs the energy of the particle: set 'data.extras=[energy]'"),
    (("task=calogan", "data.classes=[gamma,eplus]"), "generates the showers of one particle, got 2 classes"),
    (("task=calogan", "evaluation.classifier_epochs=-1"), "evaluation.classifier_epochs must be from 0 to 100,000"),
    (
        ("model=mlp", "data=calogan", "evaluation.classifier_epochs=3"),
        "evaluation.n_samples, n_val_samples and classifier_... are for generators",
    ),
]


@pytest.mark.parametrize(("words", "message"), KEYS, ids=lambda x: " ".join(x) if isinstance(x, tuple) else "")
def test_a_training_that_makes_no_sense_is_refused_in_a_line(home, run, words, message):
    said = run("train", *words)
    assert said.startswith("2 ")
    assert message in said
    assert "Traceback" not in said
