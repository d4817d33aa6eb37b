"""Generators through the commands, in one process: trained, tested, sampled, and their samples read back."""

import json

import numpy as np
import pyarrow.parquet as pq
import pytest

from hepexp.cli import main as shell
from hepexp.errors import ConfigError
from hepexp.evaluation.generation import coverage
from hepexp.evaluation.options import EvaluationOptions
from hepexp.learning import generation
from hepexp.learning.generation import Generation
from hepexp.losses.flow_matching import FlowMatching
from tests.commands.here import diverged, run_named, working_in

SMALL = (
    *("data.n_train=200", "data.n_val=40", "data.n_test=60", "trainer.max_epochs=1", "evaluation.n_samples=100"),
    *("trainer.progress=false", "model.n_hidden=8", "model.n_layers=1"),
)
FLOW = ("train", "task=epic_fm", *SMALL, "loss.steps=2", "loss.val_steps=1", "name=flow")
GAN = ("train", "task=epic_gan", *SMALL, "model.n_critic_layers=1", "name=gan")
CONDITIONED = ("data.classes=[gluon,top]", "data.extras=[jet_pt]")


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with runs: two flows of gluons, one of two classes with their pT, and a GAN."""
    folder = tmp_path_factory.mktemp("home")
    with working_in(folder) as patch:
        patch.setattr(generation, "PASSES", 1)
        patch.setattr(coverage, "N", 10)
        for words in (FLOW, (*FLOW[:-1], "name=second"), (*FLOW[:-1], *CONDITIONED, "name=conditioned"), GAN):
            assert shell.main(list(words)) == 0
        yield folder


@pytest.mark.parametrize("name", ["flow", "gan"])
def test_a_run_keeps_what_it_generated_and_compares_it_with_the_truth(home, name):
    found = run_named(home, name)
    metrics = json.loads((found.path / "metrics.json").read_text())
    for figure in ("w1_mass", "w1_particle", "w1_efp", "w1_sum", "fpd", "kpd"):
        for key in (f"test/{figure}", f"test/{figure}_floor"):
            assert np.isfinite(metrics[key]), key
            assert metrics[f"{key}_err"] > 0, key
    assert metrics["test/w1_mass"] > metrics["test/w1_mass_floor"]  # hardly trained
    assert metrics["test/samples"] == 100
    assert metrics["model/generation_1"] > 0
    assert metrics["model/generation_1000"] > 0
    table = pq.read_table(found.samples)
    assert len(table) == 100
    assert set(table.column_names) >= {"eta_rel", "phi_rel", "pt_rel", "jet_pt", "jet_mass", "label"}
    assert {f"observable_{one}.png" for one in ("mass", "particle", "efp", "multiplicity", "sum")} <= {
        path.name for path in found.plots.iterdir()
    }


def test_samples_of_equal_seed_are_equal_and_those_of_seed_1_are_the_run_s_own(home, run):
    name = str(run_named(home, "flow").path)
    for out, seed in (("a", 1), ("b", 1), ("c", 2)):
        assert run("sample", name, "--n", "100", "--seed", str(seed), "--out", f"{out}.parquet").startswith("0 ")
    a, b, c = (pq.read_table(home / f"{out}.parquet")["pt_rel"] for out in "abc")
    assert a.equals(b)
    assert not a.equals(c)
    own = pq.read_table(run_named(home, "flow").samples)["pt_rel"]
    assert np.allclose(a.combine_chunks().values, own.combine_chunks().values, rtol=1e-4)


def test_conditions_are_those_asked_for(home, run):
    name = str(run_named(home, "conditioned").path)
    asked = ("--condition", "label=top", "--condition", "number=2", "--condition", "jet_pt=1000")
    said = run("sample", name, "--n", "30", *asked, "--out", "tops.parquet", "--overwrite")
    assert said.startswith("0 ")
    assert "number=2 is outside the training's range" in said
    assert "label" not in said
    table = pq.read_table(home / "tops.parquet")
    assert set(table["label"].to_pylist()) == {2}
    assert {len(jet) for jet in table["pt_rel"].to_pylist()} == {2}
    assert set(table["jet_pt"].to_pylist()) == {1000.0}
    more = run("sample", name, "--n", "300", "--out", "both.parquet", "--overwrite")
    assert "outside" not in more
    assert set(pq.read_table(home / "both.parquet")["label"].to_pylist()) == {0, 2}


def test_a_classifier_and_other_commands_read_samples(home, run):
    small = ("model=pfn", "model.phi_sizes=[8]", "model.f_sizes=[8]", "trainer.max_epochs=1", "data.n_train=64")
    assert run("train", *small, "data=jetnet", "data.n_val=32", "data.n_test=32", "name=tagger").startswith("0 ")
    samples = str(run_named(home, "flow").samples)
    scored = run("predict", str(run_named(home, "tagger").path), "--input", samples, "--out", "scores.parquet")
    assert scored.startswith("0 ")
    assert len(pq.read_table(home / "scores.parquet")) == 100
    assert run("data", "inspect", samples).startswith("0 ")
    assert run("evaluate", str(run_named(home, "gan").path), "--out", "again").startswith("0 ")
    assert pq.read_table(home / "again" / "samples.parquet").num_rows == 100


BAD = [
    (("flow", "--n", "0"), "--n must be from 1 to 1,000,000,000, got 0"),
    (("flow", "--condition", "number"), "--condition number: expected NAME=VALUE, such as number=30"),
    (("flow", "--condition", "energy=50"), "--condition energy: the run was not trained with this condition (it has: "),
    (("flow", "--condition", "number=0"), "--condition number=0: expected a whole number from 1 to 10,000"),
    (("flow", "--condition", "number=2.5"), "--condition number=2.5: expected a whole number from 1 to 10,000"),
    (("flow", "--condition", "number=30", "--condition", "number=20"), "--condition number is given twice: 30 and 20"),
    (
        ("conditioned", "--condition", "label=tau"),
        "--condition label=tau: no class of the training (it has: gluon, top)",
    ),
    (("conditioned", "--condition", "jet_pt=-5"), "--condition jet_pt=-5: expected 1e-09 to 100000 GeV"),
    (("conditioned", "--condition", "jet_pt=nan"), "--condition jet_pt=nan: expected 1e-09 to 100000 GeV"),
    (("flow", "gan"), "examples are generated by one run, got 2"),
]


@pytest.mark.parametrize(("words", "message"), BAD, ids=lambda x: " ".join(x) if isinstance(x, tuple) else "")
def test_a_request_that_cannot_be_met_is_refused_in_a_line_and_writes_nothing(home, run, words, message):
    words = [str(run_named(home, word).path) if word in ("flow", "gan", "conditioned") else word for word in words]
    said = run("sample", *words, "--out", "refused.parquet")
    assert said.startswith("2 ")
    assert message in said
    assert "Traceback" not in said
    assert not (home / "refused.parquet").exists()


def test_a_format_that_cannot_be_written_is_refused(home, run):
    said = run("sample", str(run_named(home, "flow").path), "--out", "jets.csv")
    assert said.startswith("2 ")
    assert "--out must be a file of jetnet, .parquet, .arrow, got jets.csv" in said


def test_diverged_samples_are_refused_in_a_line(home, run, tmp_path):
    flow = run_named(home, "flow")
    spoilt = diverged(flow, "head.bias", tmp_path / "spoilt.ckpt")
    said = run("sample", str(flow.path), "--n", "10", "--checkpoint", spoilt, "--out", "nan.parquet")
    assert said.startswith("1 ")
    assert "10 of 10 generated jets are NaN or infinite: the training diverged" in said
    assert not (home / "nan.parquet").exists()


def test_generators_are_not_averaged_and_score_nothing(home, run):
    flow, other = run_named(home, "flow"), run_named(home, "second")
    said = run("evaluate", str(flow.path), str(other.path))
    assert said.startswith("2 ")
    assert "generates examples, which have no scores that could be averaged" in said
    said = run("predict", str(flow.path), "--input", str(flow.samples), "--out", "none.parquet")
    assert said.startswith("2 ")
    assert "gives no predictions" in said


def test_a_data_set_without_clouds_is_refused(home, run):
    said = run("train", "model=epic_fm", "loss=flow_matching", "data=qg")
    assert said.startswith("2 ")
    assert "model epic_fm reads cloud, data set qg gives particles" in said


def test_a_data_set_without_observables_is_refused():
    class Bare:
        observables = ()

    with pytest.raises(ConfigError, match="does not say by what these are judged"):
        Generation(FlowMatching(), Bare(), EvaluationOptions())
