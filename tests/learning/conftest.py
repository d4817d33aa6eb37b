import pytest

from hepexp.tracking.run_folder import RunFolder


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HEPEXP_RUNS_DIR", str(tmp_path))
    return RunFolder.create("toy", "run")
