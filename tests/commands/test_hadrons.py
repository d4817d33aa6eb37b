"""Generators of decays through the commands, in one process: trained, judged, sampled, and their samples verified."""

import json

import numpy as np
import pyarrow.parquet as pq
import pytest

from hepexp.cli import main as shell
from hepexp.learning import generation
from tests.commands.here import diverged, run_named, working_in

SMALL = (
    *("data.n_train=300", "data.n_val=50", "data.n_test=80", "trainer.max_epochs=1", "trainer.progress=false"),
    *("evaluation.classifier_widths=[8]", "evaluation.classifier_epochs=1", "evaluation.classifier_splits=1"),
)
RUNS = {
    "gan": (
        *("train", "task=hadron_gan", *SMALL, "model.widths=[8]", "model.critic_widths=[8]"),
        *("data.features.coordinates=angles", "data.features.frame=lab"),
    ),
    "flow": ("train", "task=hadron_fm", *SMALL, "model.width=8", "model.n_blocks=1", "loss.steps=2"),
}
OBSERVABLES = ("phi", "theta", "flight", "pt", "direction")


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with a GAN of the angles as published, and a flow."""
    folder = tmp_path_factory.mktemp("home")
    with working_in(folder) as patch:
        patch.setattr(generation, "PASSES", 1)
        for name, words in RUNS.items():
            assert shell.main([*words, f"name={name}"]) == 0
        yield folder


@pytest.mark.parametrize("name", RUNS)
def test_decays_are_judged_beside_the_truth_and_by_closed_forms(home, name):
    found = run_named(home, name)
    metrics = json.loads((found.path / "metrics.json").read_text())
    for observable in OBSERVABLES:
        for key in (f"test/w1_{observable}", f"test/w1_{observable}_floor"):
            assert np.isfinite(metrics[key]), key
            assert metrics[f"{key}_err"] > 0, key
    for moment in ("dipole", "quadrupole"):
        assert 0 <= metrics[f"test/isotropy_{moment}"] <= 1
        assert metrics[f"test/isotropy_{moment}_truth"] > 1e-3
    assert 0 <= metrics["test/mean_imbalance"] < 1e-12
    assert 0 <= metrics["test/classifier_auc_low"] <= 1
    assert "test/classifier_auc_high" not in metrics
    drawn = {path.name for path in found.plots.iterdir()}
    assert {f"observable_{one}.png" for one in OBSERVABLES} <= drawn
    assert "observable_imbalance.png" not in drawn


@pytest.mark.parametrize("name", RUNS)
def test_sampled_decays_conserve_momentum_and_pass_verification(home, run, name):
    out = f"{name}.parquet"
    said = run("sample", str(run_named(home, name).path), "--n", "200", "--out", out)
    assert said.startswith("0 ")
    table = pq.read_table(home / out)
    for axis in ("E", "px", "py", "pz"):
        total = np.array(table[axis].to_pylist()).sum(1)
        columns = {name: table[f"cluster_{name}"].to_numpy() for name in ("m", "px", "py", "pz")}
        columns["E"] = np.sqrt(sum(column**2 for column in columns.values()))
        assert (abs(total - columns[axis]) / columns["E"]).max() < 1e-6
    assert run("data", "verify", "cluster_decays", "--input", out).startswith("0 ")


def test_an_energy_outside_the_training_is_warned_of_with_its_range(home, run):
    words = ("--n", "5", "--condition", "cluster_m=50", "--out", "far.parquet")
    said = run("sample", str(run_named(home, "flow").path), *words)
    assert said.startswith("0 ")
    assert "cluster_m=50 is outside the training's range, 0.7" in said
    assert "the network extrapolates" in said
    assert pq.read_table(home / "far.parquet")["cluster_m"].to_pylist() == [50.0] * 5


BAD = [
    (("--n", "0"), "--n must be from 1 to 1,000,000,000, got 0"),
    (("--condition", "cluster_m=0"), "--condition cluster_m=0: expected 0.26 to 100000 GeV"),
    (("--condition", "cluster_m=nan"), "--condition cluster_m=nan: expected 0.26 to 100000 GeV"),
    (("--condition", "cluster_m=0.265"), "a cluster of mass 0.265 GeV cannot decay to hadrons of 0.2"),
    (("--condition", "energy=5"), "--condition energy: the run was not trained with this condition"),
]


@pytest.mark.parametrize(("words", "message"), BAD, ids=lambda x: " ".join(x) if isinstance(x, tuple) else "")
def test_decays_that_cannot_be_made_are_refused_in_a_line(home, run, words, message):
    said = run("sample", str(run_named(home, "gan").path), *words, "--out", "refused.parquet")
    assert said.startswith("2 ")
    assert message in said
    assert "Traceback" not in said
    assert not (home / "refused.parquet").exists()


def test_a_diverged_generator_is_refused_in_a_line(home, run, tmp_path):
    flow = run_named(home, "flow")
    spoilt = diverged(flow, "head.bias", tmp_path / "spoilt.ckpt")
    said = run("sample", str(flow.path), "--n", "10", "--checkpoint", spoilt, "--out", "nan.parquet")
    assert said.startswith("1 ")
    assert "10 of 10 generated decays are NaN or infinite: the training diverged" in said
    assert not (home / "nan.parquet").exists()


def test_a_file_with_other_columns_is_refused_in_a_line(run, tmp_path):
    path = tmp_path / "ClusterTo2Pi0.dat"
    path.write_text("px,py,pz\n0.1,0.2,0.3\n")
    said = run("data", "verify", "cluster_decays", "--input", str(path))
    assert said[0] in "12"
    assert "line 1 has a cluster with 1 particles of 3 numbers; expected 5 of them" in said
    assert "Traceback" not in said
