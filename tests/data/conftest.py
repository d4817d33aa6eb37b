"""Small samples of jets, and an empty data folder for each test."""

from pathlib import Path

import numpy as np
import pytest

from hepexp.data.formats import energyflow
from hepexp.data.ragged import Ragged, offsets_of
from hepexp.data.species import ONE_HOT


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
