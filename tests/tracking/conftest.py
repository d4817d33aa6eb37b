import shutil

import pytest

from hepexp.tracking import relocation, store


@pytest.fixture(autouse=True)
def runs(tmp_path, monkeypatch):
    """An own runs folder for each test."""
    folder = tmp_path / "runs"
    monkeypatch.setenv("HEPEXP_RUNS_DIR", str(folder))
    return folder


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory):
    """A store without runs; making it takes a second, copying it nothing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HEPEXP_RUNS_DIR", str(tmp_path_factory.mktemp("store")))
        store.connect()
        return store.database()


@pytest.fixture
def existing_store(runs, empty_store):
    runs.mkdir(exist_ok=True)
    file = shutil.copy(empty_store, runs / "mlflow.db")
    relocation.rebase(file.resolve())
    return file
