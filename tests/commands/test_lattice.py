"""Theories on a lattice through the commands: trained, tested, and drawn from."""

import json

import numpy as np
import pyarrow.parquet as pq
import pytest

from hepexp.cli import main as shell
from hepexp.evaluation.autocorrelation import independence_chain
from tests.commands.here import run_named, working_in

SMALL = ("dataset.n_test=64", "dataset.batch_size=16", "trainer.progress=false", "loss.action.size=4")
FLOW = (
    "train",
    "task=lattice_phi4",
    "dataset.n_train=64",
    "dataset.n_val=32",
    "trainer.max_epochs=1",
    *SMALL,
    "name=flow",
)
HMC = ("train", "task=hmc_phi4", "model.thermalisation=5", "model.n_trajectories=20", *SMALL, "name=chain")
HEAT_BATH = ("train", "task=heat_bath_xy", "model.thermalisation=5", "model.n_sweeps=20", *SMALL, "name=bath")


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with runs of a flow, of hybrid Monte Carlo and of a heat bath."""
    folder = tmp_path_factory.mktemp("home")
    with working_in(folder):
        for words in (FLOW, HMC, HEAT_BATH):
            assert shell.main(list(words)) == 0
        yield folder


@pytest.fixture
def sample(home, run):
    """`sample("flow", "--n", "30")` draws from the run of this name."""
    return lambda name, *words: run("sample", str(run_named(home, name).path), *words)


def test_the_record_has_the_chain_and_its_figures(home):
    for name, drawn in (("flow", {"weights.png"}), ("chain", set())):
        folder = run_named(home, name).path
        metrics = json.loads((folder / "metrics.json").read_text())
        assert metrics["test/mean_chi_err"] > 0
        assert 0 < metrics["test/acceptance"] < 1
        plots = {path.name for path in (folder / "plots").glob("*.png")}
        assert {"chain.png", "autocorrelation.png", "observables.png", *drawn} <= plots


def test_a_heat_bath_accepts_everything(home):
    metrics = json.loads((run_named(home, "bath").path / "metrics.json").read_text())
    assert metrics["test/acceptance"] == 1
    assert metrics["test/independent_per_second"] > 0
    assert "test/creutz" not in metrics


def test_a_single_chain_will_do(home, run):
    lengths = ("model.thermalisation=5", "model.n_sweeps=20", "loss.action.size=4", "trainer.progress=false")
    answer = run("train", "task=heat_bath_u1", "dataset.n_test=1", "dataset.batch_size=1", *lengths, "name=lone")
    assert answer.startswith("0")
    metrics = json.loads((run_named(home, "lone").path / "metrics.json").read_text())
    assert metrics["test/mean_plaquette_err"] > 0


def test_a_chain_is_that_of_the_draws(sample, home):
    assert sample("flow", "--n", "2500", "--out", "draws.parquet").startswith("0")
    assert sample("flow", "--n", "2500", "--metropolis", "--out", "chain.parquet").startswith("0")
    draws, chain = (pq.read_table(home / f"{name}.parquet") for name in ("draws", "chain"))
    about = json.loads(chain.schema.metadata[b"hepexp"])
    assert about["shape"] == [4, 4]
    assert about["command"].endswith("--n 2500 --seed 1 --metropolis")
    log_weight, accepted = draws["log_weight"].to_numpy(), chain["accepted"].to_numpy()
    at = np.maximum.accumulate(np.where(accepted, np.arange(2500), 0))  # over the parts of which it is made, too
    assert np.array_equal(chain["log_weight"].to_numpy(), log_weight[at])
    assert chain["configuration"].to_pylist()[1700] == draws["configuration"].to_pylist()[at[1700]]
    _, expected = independence_chain(log_weight, np.random.default_rng(5).random(2500))
    assert accepted.mean() == pytest.approx(expected.mean(), abs=0.05)
    phi = np.array(chain["configuration"].to_pylist())
    assert chain["chi"].to_numpy() == pytest.approx(phi.sum(1) ** 2 / 16)


def test_hybrid_monte_carlo_writes_its_own_chain(sample, home):
    assert sample("chain", "--n", "30", "--out", "hmc.parquet").startswith("0")
    table = pq.read_table(home / "hmc.parquet")
    assert len(table) == 30
    assert "log_weight" not in table.column_names


@pytest.mark.parametrize(
    ("name", "words", "said"),
    [
        ("chain", ["--metropolis", "--out", "x.parquet"], "leave out --metropolis"),
        ("flow", ["--condition", "number=3", "--out", "x.parquet"], "--condition is for generated examples"),
        ("flow", ["--out", "x.npz"], "--out must be a .parquet file"),
        ("flow", ["loss.action.size=7", "--out", "x.parquet"], "got loss.action.size=7"),
    ],
)
def test_what_cannot_be_is_refused_in_a_line(sample, home, name, words, said):
    answer = sample(name, *words)
    assert answer.startswith("2 hepexp: error: ")
    assert said in answer
    assert not (home / "x.parquet").exists()


def test_a_run_without_data_scores_no_files(home, run):
    (home / "jets.parquet").write_bytes(b"")
    answer = run("predict", str(run_named(home, "flow").path), "--input", "jets.parquet", "--out", "y.parquet")
    assert "hepexp: error: " in answer
    assert "the data set Empty reads no files" in answer
