"""A registered model is loaded by mlflow.pyfunc wherever hepexp is, and says of a table what its run said."""

import json
import os
import shlex
import shutil

import mlflow
import numpy as np
import pandas as pd
import pytest
from mlflow.pyfunc import scoring_server
from mlflow.tracking import MlflowClient

from hepexp.cli import main as shell
from hepexp.data.datasets.electron_photon.module import ElectronPhoton
from hepexp.data.datasets.qg.module import QuarkGluon
from hepexp.data.loading.split_store import open_source
from hepexp.errors import DataError
from hepexp.tracking import store
from tests import pages
from tests.commands.shell import SMALL, hepexp

FEW = ("dataset.n_train=100", "dataset.n_val=100", "dataset.n_test=60", "trainer.max_epochs=1")


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with a tagger of jets, registered by its training, and one of showers, registered later."""
    folder = tmp_path_factory.mktemp("home")
    for words in (
        ("train", *SMALL, *FEW, "name=jets", "tracking.register=quark_gluon"),
        ("train", "model=cnn", "data=electron_photon", *FEW, "dataset.image.scale=standard", "name=showers"),
        ("register", "latest", "showers"),
    ):
        result = hepexp(folder, *words)
        assert result.returncode == 0, result.stderr
    assert "is version 1 of showers: models:/showers/1" in result.stdout
    return folder


@pytest.fixture
def client(home):
    uri = f"sqlite:///{home}/runs/mlflow.db"
    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(uri)
    yield MlflowClient(uri)
    mlflow.set_tracking_uri(before)


def table(kind, rows):
    """Examples of the shipped sample as a physicist has them: one row each, elements as lists."""
    examples = open_source(kind.info, "mini").store.take(rows)
    lists = {name: np.split(column, examples.offsets[1:-1]) for name, column in examples.elements.items()}
    return pd.DataFrame({**examples.extras, **lists})


@pytest.mark.parametrize(
    ("name", "kind", "scores"),
    [
        ("quark_gluon", QuarkGluon, ["score_gluon", "score_quark"]),
        ("showers", ElectronPhoton, ["score_photon", "score_electron"]),
    ],
)
def test_scores_are_those_of_the_run_itself(home, client, name, kind, scores):
    """Of images only if the scales of the run's 100 training examples came along, not those of the whole sample."""
    version = client.get_model_version_by_alias(name, "best")
    recorded = pd.read_parquet(f"{home}/runs/{client.get_run(version.run_id).data.tags['folder']}/predictions.parquet")
    model = mlflow.pyfunc.load_model(f"models:/{name}@best")
    predicted = model.predict(table(kind, recorded["index"].to_numpy()))
    assert list(predicted.columns) == scores
    np.testing.assert_allclose(predicted, recorded[scores], rtol=0, atol=1e-6)


def test_it_is_served_as_the_page_shows(client):
    sent = pages.block_after("howto/register", "One jet, sent from another terminal")
    answer = scoring_server.invocations(
        shlex.split(sent.replace("\\\n", " "))[-1],
        "application/json",
        mlflow.pyfunc.load_model("models:/quark_gluon@best"),
        None,
    )
    assert answer.status == 200
    (jet,) = json.loads(answer.response)["predictions"]
    (promised,) = json.loads(pages.block_after("howto/register", "It answers with the scores"))["predictions"]
    assert jet.keys() == promised.keys()
    assert sum(jet.values()) == pytest.approx(1)


def test_the_model_needs_nothing_of_the_run_and_refuses_what_is_no_physics(home, client, tmp_path, monkeypatch):
    version = client.get_model_version_by_alias("quark_gluon", "best")
    shutil.copytree(mlflow.artifacts.download_artifacts(version.source), tmp_path / "elsewhere")
    note = tmp_path / "elsewhere" / "MLmodel"
    note.write_text(note.read_text().replace("learning.pyfunc", "learning.served"))  # as in models of before
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HEPEXP_DATA_DIR", str(tmp_path / "none"))
    model = mlflow.pyfunc.load_model(os.fspath(tmp_path / "elsewhere"))
    jets = {"pt": [[80.0, 41.5], [3.0]], "y": [[0.1, -0.2], [0.0]], "phi": [[1.3, 1.4], [0.0]]}
    types = [[211, 22], [130]]
    np.testing.assert_allclose(model.predict(pd.DataFrame({**jets, "pdgid": types})).sum(axis=1), 1, rtol=1e-6)
    served = model._model_impl  # below the schema of MLflow, which refuses some of it in its own words
    with pytest.raises(DataError, match="the table has no column pdgid"):
        served.predict(pd.DataFrame(jets))
    with pytest.raises(DataError, match="row 1 has lists of different lengths in pt and pdgid"):
        served.predict(pd.DataFrame({**jets, "pdgid": [[211, 22], [130, 22]]}))
    with pytest.raises(DataError, match="the table: jet 1 has a particle with pt = -3"):
        served.predict(pd.DataFrame({**jets, "pt": [[80.0, 41.5], [-3.0]], "pdgid": types}))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("train", *SMALL, "tracking.register=a/b"), "the name of a registered model must be letters, digits"),
        (("train", *SMALL, "trainer.max_epochs=0", "tracking.register=a"), "needs a trained model"),
        (("register", "nothing", "a"), "no run 'nothing'"),
    ],
)
def test_bad_requests_are_one_line(home, monkeypatch, capsys, words, message):
    monkeypatch.setenv("HEPEXP_RUNS_DIR", str(home / "runs"))
    monkeypatch.setenv("HEPEXP_DATA_DIR", str(home / "none"))
    assert shell.main(list(words)) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line


def test_a_moved_runs_folder_is_resumed_evaluated_and_served_where_it_is(home, client, tmp_path, monkeypatch):
    now, before = tmp_path / "why? 100%", home / "runs"
    shutil.copytree(before, now, symlinks=True)
    hidden = before.rename(home / "hidden")  # moved, and moved back for the other tests
    try:
        monkeypatch.setenv("HEPEXP_RUNS_DIR", str(now))
        monkeypatch.chdir(tmp_path)
        (run,) = now.glob("hepexp/*_jets")
        assert shell.main(["train", "--resume", str(run), "trainer.max_epochs=2", "trainer.progress=false"]) == 0
        assert shell.main(["evaluate", str(run)]) == 0
        mlflow.set_tracking_uri(store.uri())
        model = mlflow.pyfunc.load_model("models:/quark_gluon@best")
        assert model.predict(table(QuarkGluon, np.arange(3))).shape == (3, 2)
        assert not before.exists()
        assert [path.name for path in tmp_path.iterdir()] == [now.name]
    finally:
        hidden.rename(before)
