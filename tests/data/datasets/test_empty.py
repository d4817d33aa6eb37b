"""Examples that hold nothing come in batches like any others."""

from pathlib import Path

import pytest

from hepexp.data.datasets.empty import Empty
from hepexp.errors import ConfigError, DataError


def test_every_example_comes_once():
    data = Empty(batch_size=2, n_train=5)
    batches = list(data.train_dataloader())
    assert [batch.index.tolist() for batch in batches] == [[0, 1], [2, 3], [4]]
    assert all(batch.features.shape == (len(batch), 0) for batch in batches)
    assert [len(batch) for batch in data.test_dataloader()] == [1]
    assert data.provenance() == {
        "source": "none",
        "simulated": False,
        "files": [],
        "n_train": 5,
        "n_val": 1,
        "n_test": 1,
    }


def test_a_number_below_one_is_named():
    with pytest.raises(ConfigError, match=r"dataset\.n_test must be >= 1, got 0"):
        Empty(n_test=0)


def test_files_and_classes_that_were_left_out_are_refused():
    with pytest.raises(DataError, match=r"jets\.npz: the data set Empty reads no files"):
        Empty().loaders_of_file(Path("jets.npz"))
    with pytest.raises(ConfigError, match="--unseen top: Empty has no classes"):
        Empty().check_unseen(["top"])
