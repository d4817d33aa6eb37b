import pytest

from hepexp.sweep.storage import open_storage


@pytest.fixture
def storage(tmp_path):
    return open_storage(f"sqlite:///{tmp_path / 'a.db'}")
