"""What is written is read back, by any row, from any file of the store."""

from pathlib import Path

import numpy as np
import pytest

from hepexp.data import arrow_file
from hepexp.data.collections.qg import COLLECTION
from hepexp.data.layouts import QG
from hepexp.data.ragged import Ragged, pad
from hepexp.data.store import Store
from hepexp.errors import DataError
from tests.data.conftest import assert_same, random_jets


@pytest.mark.parametrize("suffix", [".arrow", ".parquet"])
def test_round_trip_is_exact(tmp_path: Path, suffix: str):
    jets, path = random_jets(100), tmp_path / f"jets{suffix}"
    arrow_file.write(path, QG, [jets], {"seed": 3})
    store = Store.open(QG, path)
    assert_same(store.take(np.arange(100)), jets)
    assert store.metadata == [{"seed": 3}]


def test_rows_of_several_files_are_taken_in_the_order_asked_for(tmp_path: Path):
    parts = [random_jets(n, seed=n) for n in (7, 1, 12)]
    for i, part in enumerate(parts):
        arrow_file.write(tmp_path / f"{i}.arrow", QG, [part], {})
    store = Store.open(QG, *(tmp_path / f"{i}.arrow" for i in range(3)))
    rows = np.random.default_rng(0).permutation(20)[:15]
    assert_same(store.take(rows), Ragged.concatenate(parts).take(rows))
    assert len(store.take([])) == 0


def test_record_batches_of_one_file_are_one_set(tmp_path: Path):
    jets = random_jets(30)
    for suffix in (".arrow", ".parquet"):
        path = tmp_path / f"jets{suffix}"
        arrow_file.write(path, QG, [jets.take(slice(0, 13)), jets.take(slice(13, 30))], {})
        assert_same(Store.open(QG, path).take(np.arange(30)[::-1]), jets.take(np.arange(30)[::-1]))


def test_an_arrow_file_is_mapped_and_not_copied(tmp_path: Path):
    path = tmp_path / "jets.arrow"
    arrow_file.write(path, QG, [random_jets(10)], {})
    assert not Store.open(QG, path).chunks[0]["pt"].flags.owndata


def test_padding_keeps_every_particle_and_adds_zeros():
    jets = random_jets(40)
    padded = pad(jets["pt"], jets.counts)
    assert padded.shape == (40, jets.counts.max())
    np.testing.assert_array_equal(padded[padded > 0], jets["pt"])
    np.testing.assert_array_equal((padded > 0).sum(1), jets.counts)


@pytest.mark.parametrize("suffix", [".arrow", ".parquet"])
def test_a_truncated_file_is_refused_in_one_line(tmp_path: Path, suffix: str):
    path = tmp_path / f"jets{suffix}"
    arrow_file.write(path, QG, [random_jets(100)], {})
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DataError, match=f"jets{suffix}: not a complete") as error:
        COLLECTION.open_file(path)
    assert "\n" not in str(error.value)


def test_a_file_of_something_else_is_refused(tmp_path: Path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"a": [1]}), tmp_path / "a.parquet")
    with pytest.raises(DataError, match="has columns a; expected those of the store"):
        COLLECTION.open_file(tmp_path / "a.parquet")
    with pytest.raises(DataError, match="no such file"):
        COLLECTION.open_file(tmp_path / "b.parquet")
    with pytest.raises(DataError, match=r"unknown format '\.txt'"):
        COLLECTION.open_file(tmp_path / "b.txt")


def test_a_write_that_fails_leaves_no_file(tmp_path: Path):
    def parts():
        yield random_jets(5)
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        arrow_file.write(tmp_path / "jets.arrow", QG, parts(), {})
    assert list(tmp_path.glob("*jets*")) == []


def test_lists_of_different_lengths_in_one_example_are_refused(tmp_path: Path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    pt, y = [[10.0], [20.0, 5.0]], [[0.1, 0.2], [0.3]]  # three of each
    columns = [pa.array([0, 1], pa.int8()), pt, y, pt, [[22], [22, 22]]]
    schema = arrow_file.schema_of(QG)
    pq.write_table(pa.table(dict(zip(QG.names, columns, strict=True)), schema=schema), tmp_path / "a.parquet")
    with pytest.raises(DataError, match="row 0 has lists of different lengths in pt and y"):
        COLLECTION.open_file(tmp_path / "a.parquet")


@pytest.mark.parametrize("suffix", [".arrow", ".parquet"])
def test_a_store_without_labels_is_read_where_none_are_needed(tmp_path: Path, suffix: str):
    import pyarrow as pa
    import pyarrow.parquet as pq

    jets, path = random_jets(20), tmp_path / f"jets{suffix}"
    arrow_file.write(tmp_path / "with.parquet", QG, [jets], {})
    table = pq.read_table(tmp_path / "with.parquet").drop_columns(["label"]).replace_schema_metadata()
    if suffix == ".parquet":
        pq.write_table(table, path)
    else:
        with pa.ipc.new_file(str(path), table.schema) as writer:
            writer.write_table(table)
    with pytest.raises(DataError, match="expected those of the store: label, pt"):
        COLLECTION.open_file(path)
    read = COLLECTION.open_file(path, needs_label=False).take(np.arange(20))
    assert_same(read, jets.unlabelled())
