"""hepexp.runs: a run opened in Python is the run of the shell, and its network gives the recorded predictions."""

import os
import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch

import hepexp
from hepexp import runs
from hepexp.errors import ConfigError, DataError
from tests.commands import shell

FEW = ("dataset.n_train=100", "dataset.n_val=60", "dataset.n_test=60", "trainer.max_epochs=1")


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("home")
    done = shell.hepexp(folder, "train", *shell.SMALL, *FEW, "seed=3", "tracking.register=quark_gluon")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture(autouse=True)
def _there(home, monkeypatch):
    monkeypatch.chdir(home)
    monkeypatch.setenv("HEPEXP_DATA_DIR", str(home / "data"))


def test_a_run_is_opened_by_every_word_that_the_shell_takes():
    latest = hepexp.runs.open("latest")
    names = [latest.folder, latest.folder.relative_to(latest.folder.parents[1]), "models:/quark_gluon@best"]
    names += [latest._record.mlflow_run_id, "models:/quark_gluon/1"]
    assert {runs.open(name).folder for name in names} == {latest.folder}
    assert latest.config.seed == 3
    assert latest.config.choices.model == "pfn"


def test_the_network_gives_the_predictions_and_the_predictions_the_metrics():
    run = runs.open("latest")
    table, network = run.predictions().set_index("index"), run.model()
    assert not network.training
    scores, index = [], []
    with torch.no_grad():
        for batch in run.batches("test"):
            scores.append(network(batch).softmax(1).numpy())
            index.append(batch.index.numpy())
    assert sorted(np.concatenate(index)) == sorted(table.index)
    recorded = table.loc[np.concatenate(index), ["score_gluon", "score_quark"]]
    np.testing.assert_allclose(np.concatenate(scores), recorded, rtol=0, atol=1e-6)
    right = (table.score_quark > table.score_gluon) == table.label
    assert run.metrics["test/accuracy"] == pytest.approx(right.mean())


def test_the_last_epoch_has_its_own_weights_and_nobody_s_random_numbers_are_touched():
    run = runs.open("latest")
    torch.manual_seed(5)
    before = torch.get_rng_state()
    assert run.model("last") is not run.model()
    assert torch.equal(torch.get_rng_state(), before)


def test_what_is_wrong_is_said_in_a_line(tmp_path):
    with pytest.raises(ConfigError, match=r"no run 'yesterday': not a folder here or under"):
        runs.open("yesterday")
    with pytest.raises(ConfigError, match="split must be one of train, val, test, got 'tset'"):
        runs.open("latest").batches("tset")
    with pytest.raises(ConfigError, match=r"no checkpoint first; expected best, last or a file"):
        runs.open("latest").model("first")
    copy = shutil.copytree(runs.open("latest").folder, tmp_path / "copy")
    content = bytearray((copy / "predictions.parquet").read_bytes())
    content[60] ^= 255
    (copy / "predictions.parquet").write_bytes(content)
    with pytest.raises(DataError, match=r"predictions\.parquet is (corrupted|not a predictions file)"):
        runs.open(copy).predictions()
    os.unlink(copy / "predictions.parquet")
    with pytest.raises(DataError, match="the run did not reach its test"):
        runs.open(copy).predictions()


def test_importing_hepexp_and_its_runs_loads_no_heavy_library():
    program = "import sys, hepexp; hepexp.runs.open; print({'torch', 'mlflow', 'pandas', 'pyarrow'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
