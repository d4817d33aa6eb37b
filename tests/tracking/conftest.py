import pytest


@pytest.fixture(autouse=True)
def runs(tmp_path, monkeypatch):
    """An own runs folder for each test."""
    folder = tmp_path / "runs"
    monkeypatch.setenv("HEPEXP_RUNS_DIR", str(folder))
    return folder
