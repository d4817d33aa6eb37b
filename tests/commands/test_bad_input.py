"""Whatever is wrong with a request or a file: one line that says what, and an exit code that says whose turn it is."""

import sqlite3
import threading

import numpy as np
import pytest

from tests.commands.shell import SMALL, hepexp, one_line


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["train", "model=lorentznett"], "did you mean lorentznet?"),
        (["train", "model.n_hiden=3"], "did you mean n_hidden?"),
        (["train", "model=pfn", "model.phi_sizes=wide"], "phi_sizes"),
        (["train", "data=qg", "dataset.batch_size=-1"], "dataset.batch_size must be >= 1, got -1"),
        (["train", "model=lorentznet", "model.n_hidden=-3"], "model.n_hidden must be > 0, got -3"),
        (
            ["train", "model=lorentznet", "model.quantum_blocks=[phi_f]"],
            "'phi_f' is not one of phi_e, phi_h, phi_m, phi_x",
        ),
        (["train", "trainer.max_epochs=many"], "trainer.max_epochs"),
        (["train", "trainer.time_limit=soon"], "duration"),
        (["train", "model=pfn", "model.weights=nowhere.pt"], "nowhere.pt"),
        (["train", "model=pfn", "backend=pennylane", *SMALL[1:]], "model pfn has no circuits"),
        (["train", "--resume"], "--resume needs a value"),
        (["evaluate", "nothing-here"], "no run 'nothing-here'"),
        (["predict", "latest", "--input", "a.npz"], "--out"),
        (["bench", "lorentz"], "did you mean lorentznet?"),
        (["trian"], "did you mean train?"),
    ],
)
def test_a_wrong_request_is_refused_before_anything_is_written(tmp_path, words, said):
    assert said in one_line(hepexp(tmp_path, *words), 2)
    assert not (tmp_path / "runs").exists()


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    assert hepexp(folder, "train", *SMALL, "trainer.max_epochs=1").returncode == 0
    return folder


def jets_file(path, spoil=lambda x, y: None):
    """Two jets of three particles in the published format."""
    x = np.zeros((2, 4, 4))
    x[:, :3] = [[200, 0.1, 0.2, 211], [150, 0.0, 0.1, 22], [160, -0.1, 0.3, 130]]
    y = np.array([0.0, 1.0])
    spoil(x, y)
    np.savez_compressed(path, X=x, y=y)
    return path


def nan(x, y):
    x[1, 0, 0] = np.nan


def empty(x, y):
    x[1] = 0


def stranger(x, y):
    y[0] = 7


@pytest.mark.parametrize(
    ("spoil", "said"), [(nan, "jet 1"), (empty, "jet 1"), (stranger, "label")], ids=["NaN", "no particles", "label 7"]
)
def test_jets_that_are_not_physics_are_named(trained, tmp_path, spoil, said):
    file = jets_file(tmp_path / "jets.npz", spoil)
    result = hepexp(trained, "predict", "latest", "--input", str(file), "--out", str(tmp_path / "scores.parquet"))
    message = one_line(result, 1)
    assert "jets.npz" in message
    assert said in message
    assert not (tmp_path / "scores.parquet").exists()


def test_a_truncated_file_is_named(trained, tmp_path):
    file = jets_file(tmp_path / "jets.npz")
    file.write_bytes(file.read_bytes()[:200])
    result = hepexp(trained, "predict", "latest", "--input", str(file), "--out", str(tmp_path / "scores.parquet"))
    assert "jets.npz" in one_line(result, 1)


def test_jets_of_a_good_file_are_scored(trained, tmp_path):
    file = jets_file(tmp_path / "jets.npz")
    result = hepexp(trained, "predict", "latest", "--input", str(file), "--out", str(tmp_path / "scores.parquet"))
    assert result.returncode == 0, result.stderr


def test_a_locked_mlflow_store_is_waited_for_then_named(trained):
    store = sqlite3.connect(trained / "runs" / "mlflow.db", isolation_level=None, check_same_thread=False)
    store.execute("begin exclusive")
    try:
        message = one_line(hepexp(trained, "train", *SMALL, "tracking.timeout=2"), 1)
    finally:
        store.execute("rollback")
    assert "locked" in message

    store.execute("begin exclusive")
    release = threading.Timer(12, lambda: store.execute("rollback"))
    release.start()
    try:
        result = hepexp(trained, "train", *SMALL, "tracking.timeout=120", "trainer.max_epochs=1")
    finally:
        release.join()
        store.close()
    assert result.returncode == 0, result.stderr
