"""Small samples of jets, an empty data folder for each test, and how a refusal has to look."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hepexp.data.datasets.qg import reader as energyflow
from hepexp.data.physics.species import ONE_HOT
from hepexp.data.store.ragged import Ragged, offsets_of
from hepexp.errors import DataError
from tests.data.formats.mutation import Reader

Refused = Callable[[Reader, Path, str], None]


@pytest.fixture(autouse=True)
def data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No test sees what the user has downloaded."""
    monkeypatch.delenv("HEPEXP_STORE_DIR", raising=False)
    monkeypatch.setenv("HEPEXP_DATA_DIR", str(tmp_path / "hepexp_data"))
    return tmp_path / "hepexp_data"


def random_jets(n: int, seed: int = 0, most: int = 9) -> Ragged:
    """n jets of 1 to `most` particles, labels alternating."""
    random = np.random.default_rng(seed)
    counts = random.integers(1, most + 1, n)
    m = int(counts.sum())
    return Ragged(
        label=(np.arange(n) % 2).astype(np.int8),
        offsets=offsets_of(counts),
        elements={
            "pt": random.exponential(20, m).astype(np.float32) + np.float32(0.1),
            "y": random.uniform(-2, 2, m).astype(np.float32),
            "phi": random.uniform(-3, 6, m).astype(np.float32),
            "pdgid": (random.choice(ONE_HOT, m) * np.where(random.random(m) < 0.3, -1, 1)).astype(np.int32),
        },
    )


def assert_same(a: Ragged, b: Ragged) -> None:
    np.testing.assert_array_equal(a.label, b.label)
    np.testing.assert_array_equal(a.offsets, b.offsets)
    assert (set(a.elements), set(a.extras)) == (set(b.elements), set(b.extras))
    for name in (*a.elements, *a.extras):
        np.testing.assert_array_equal(a[name], b[name], err_msg=name)


@pytest.fixture
def npz(tmp_path: Path) -> Path:
    """Twenty jets in the published format."""
    path = tmp_path / "QG_jets.npz"
    energyflow.write(path, [random_jets(20)], 20, 9)
    return path


@pytest.fixture
def refused() -> Refused:
    """A function that asserts that a reader refuses a file, in one line that names it and matches a pattern."""

    def check(read: Reader, path: Path, message: str) -> None:
        with pytest.raises(DataError, match=message) as error:
            Ragged.concatenate(read(path))
        assert str(path) in str(error.value)
        assert "\n" not in str(error.value)

    return check
