"""`hepexp check RUN`: a table, check.json, figures, MLflow, and an exit code."""

import json
import sqlite3

import pytest

from hepexp.check import circuits
from hepexp.cli.main import main
from hepexp.models.efn import EFN
from tests.commands.shell import SMALL, hepexp, one_line


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("check")
    assert hepexp(folder, "train", *SMALL, "model=efn", "trainer.max_epochs=1").returncode == 0
    return folder


def test_the_result_is_printed_written_and_logged(home):
    result = hepexp(home, "check", "latest", "--only", "permutation,boost_across,soft", "--n", "30")
    assert result.returncode == 0, result.stderr
    assert "permutation: particles in another order" in result.stdout
    run = home / "runs" / "latest"
    found = json.loads((run / "check.json").read_text())
    assert found["n"] == 30
    assert [check["verdict"] for check in found["checks"].values()] == ["kept", None, "kept"]
    assert {path.name for path in (run / "plots").glob("check_*")} == {"check_boosts.png", "check_emissions.png"}
    artifacts = {path.name for path in (home / "runs" / "mlartifacts").rglob("check*")}
    assert artifacts >= {"check.json", "check_boosts.png"}
    with sqlite3.connect(home / "runs" / "mlflow.db") as store:
        logged = dict(store.execute("SELECT key, value FROM metrics WHERE key LIKE 'check/%'"))
        assert store.execute("SELECT status FROM runs").fetchall() == [("FINISHED",)]
    assert logged["check/permutation/largest_change_float64"] < 1e-10


def test_a_folder_of_its_own_leaves_the_run_as_it_is(home):
    run = home / "runs" / "latest"
    before = {path: path.stat().st_mtime_ns for path in run.rglob("*")}
    words = ("check", "latest", "--only", "padding", "--n", "10", "--out", "checked")
    assert hepexp(home, *words).returncode == 0
    assert (home / "checked" / "check.json").exists()
    assert {path: path.stat().st_mtime_ns for path in run.rglob("*")} == before
    assert "already holds check.json" in one_line(hepexp(home, *words), 2)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nothing-here"], "no run 'nothing-here'"),
        (["latest", "--only", "boost_accross"], "did you mean boost_across?"),
        (["latest", "--only", "image_flip"], "no check of a network that reads particles"),
        (["latest", "--n", "1"], "--n must be >= 2, got 1"),
        (["latest", "--seed", "-1"], "--seed must be from 0 to 2^32 - 1, got -1"),
        (["latest", "model.phi_sizes=[8]"], "model.phi_sizes"),
        ([], "hepexp check needs a RUN, or --data NAME --group G"),
        (["latest", "--group", "so3"], "--group and --rapidity are of a data set"),
        (["--data", "qg"], "--data NAME needs --group G"),
        (["--data", "qg", "--group", "so4"], "--group so4: unknown; did you mean"),
        (["--data", "qgg", "--group", "so3"], "did you mean qg?"),
        (["--data", "qg", "--group", "c4"], "--group c4 does not act on the vectors of 4 components of qg"),
        (["--data", "qg", "--group", "so13", "--rapidity", "0"], "--rapidity must be in (0, 5], got 0"),
    ],
)
def test_a_wrong_request_is_one_line(home, words, said):
    assert said in one_line(hepexp(home, "check", *words), 2)


def test_a_broken_claim_has_its_own_exit_code_and_the_record_all_the_same(home, monkeypatch, capsys):
    monkeypatch.chdir(home)
    monkeypatch.setattr(EFN, "lorentz_invariant", True)
    words = ["check", "latest", "--only", "boost_across,permutation", "--n", "10", "--out", "broken"]
    assert main(words) == 1
    printed = capsys.readouterr()
    assert "efn claims what it breaks: boost_across" in printed.err
    found = json.loads((home / "broken" / "check.json").read_text())
    assert {name: check["verdict"] for name, check in found["checks"].items()} == {
        "permutation": "kept",
        "boost_across": "broken",
    }


def with_qubits(folder, n):
    """Train a hybrid network with circuits of n qubits a little."""
    small = [
        "data=mnist",
        "data.n_train=32",
        "data.n_val=32",
        "data.n_test=32",
        "trainer=quick",
        "trainer.max_epochs=1",
    ]
    result = hepexp(folder, "train", "model=hybrid_cnn", f"model.n_qubits={n}", "backend=statevector", *small)
    assert result.returncode == 0, result.stderr


def test_circuits_that_are_too_large_are_named(tmp_path):
    with_qubits(tmp_path, 11)
    message = one_line(hepexp(tmp_path, "check", "latest", "--only", "circuits"), 2)
    assert "--only circuits: circuits of more than 10 qubits take too long to describe: " in message
    assert "(11 qubits)" in message
    result = hepexp(tmp_path, "check", "latest", "--only", "circuits,image_noise", "--n", "10")
    assert result.returncode == 0, result.stderr
    assert "circuits of more than 10 qubits take too long to describe" in result.stderr
    assert "circuits" not in json.loads((tmp_path / "runs" / "latest" / "check.json").read_text())


def test_circuits_alone_have_one_table(tmp_path, monkeypatch, capsys):
    with_qubits(tmp_path, 2)
    monkeypatch.chdir(tmp_path)
    for name, value in {"QUBITS": (2,), "DEPTHS": (1,), "N_ANGLES": 20, "N_PAIRS": 200}.items():
        monkeypatch.setattr(circuits, name, value)
    assert main(["check", "latest", "--only", "circuits", "--n", "10", "--out", "checked"]) == 0
    printed = capsys.readouterr().out
    assert "expressibility" in printed
    assert "largest change" not in printed
