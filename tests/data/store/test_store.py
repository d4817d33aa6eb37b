"""What is written is read back, by any row, from any file of the store."""

import mmap
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from hepexp.data.datasets.qg.info import INFO
from hepexp.data.datasets.qg.info import LAYOUT as QG_LAYOUT
from hepexp.data.formats.open_file import open_file
from hepexp.data.store import arrow_file
from hepexp.data.store.ragged import Ragged, pad
from hepexp.data.store.store import _FAULT_AROUND, RESIDENT, Store
from hepexp.errors import DataError
from tests.data.conftest import assert_same, random_jets


@pytest.mark.parametrize("suffix", [".arrow", ".parquet"])
def test_round_trip_is_exact(tmp_path: Path, suffix: str):
    jets, path = random_jets(100), tmp_path / f"jets{suffix}"
    arrow_file.write(path, QG_LAYOUT, [jets], {"seed": 3})
    store = Store.open(QG_LAYOUT, path)
    assert_same(store.take(np.arange(100)), jets)
    assert store.metadata == [{"seed": 3}]


@pytest.mark.parametrize("suffix", [".arrow", ".parquet"])
@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        (5, "no JSON object but 5"),
        (None, "no JSON object but None"),
        ([["n", 3]], "no JSON object but "),
        ({"versions": 7}, "versions = 7; expected dict"),
        ({"command": ["rm"]}, "command = .'rm'.; expected str"),
        ({"originals": {"a": 1}}, "originals = .*; expected list"),
    ],
)
def test_metadata_that_say_nothing_are_one_line(tmp_path: Path, metadata, said: str, suffix: str):
    path = tmp_path / f"jets{suffix}"
    arrow_file.write(path, QG_LAYOUT, [random_jets(3)], metadata)
    with pytest.raises(DataError, match=f"its metadata .*{said}.*; remove it and make it again"):
        arrow_file.read(path, QG_LAYOUT)


def test_rows_of_several_files_are_taken_in_the_order_asked_for(tmp_path: Path):
    parts = [random_jets(n, seed=n) for n in (7, 1, 12)]
    for i, part in enumerate(parts):
        arrow_file.write(tmp_path / f"{i}.arrow", QG_LAYOUT, [part], {})
    store = Store.open(QG_LAYOUT, *(tmp_path / f"{i}.arrow" for i in range(3)))
    rows = np.random.default_rng(0).permutation(20)[:15]
    assert_same(store.take(rows), Ragged.concatenate(parts).take(rows))
    assert len(store.take([])) == 0


def test_record_batches_of_one_file_are_one_set(tmp_path: Path):
    jets = random_jets(30)
    for suffix in (".arrow", ".parquet"):
        path = tmp_path / f"jets{suffix}"
        arrow_file.write(path, QG_LAYOUT, [jets.take(slice(0, 13)), jets.take(slice(13, 30))], {})
        assert_same(Store.open(QG_LAYOUT, path).take(np.arange(30)[::-1]), jets.take(np.arange(30)[::-1]))


def test_an_arrow_file_is_mapped_and_not_copied(tmp_path: Path):
    path = tmp_path / "jets.arrow"
    arrow_file.write(path, QG_LAYOUT, [random_jets(10)], {})
    assert not Store.open(QG_LAYOUT, path).chunks[0]["pt"].flags.owndata


def test_padding_keeps_every_particle_and_adds_zeros():
    jets = random_jets(40)
    padded = pad(jets["pt"], jets.counts)
    assert padded.shape == (40, jets.counts.max())
    np.testing.assert_array_equal(padded[padded > 0], jets["pt"])
    np.testing.assert_array_equal((padded > 0).sum(1), jets.counts)


@pytest.mark.parametrize("suffix", [".arrow", ".parquet"])
def test_a_truncated_file_is_refused_in_one_line(tmp_path: Path, suffix: str):
    path = tmp_path / f"jets{suffix}"
    arrow_file.write(path, QG_LAYOUT, [random_jets(100)], {})
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(DataError, match=f"jets{suffix}: not a complete") as error:
        open_file(INFO, path)
    assert "\n" not in str(error.value)


def test_a_file_of_something_else_is_refused(tmp_path: Path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"a": [1]}), tmp_path / "a.parquet")
    with pytest.raises(DataError, match="column label, pt, y, phi, pdgid missing, found a"):
        open_file(INFO, tmp_path / "a.parquet")
    with pytest.raises(DataError, match="no such file"):
        open_file(INFO, tmp_path / "b.parquet")
    with pytest.raises(DataError, match=r"unknown format '\.txt'"):
        open_file(INFO, tmp_path / "b.txt")


def test_a_write_that_fails_leaves_no_file(tmp_path: Path):
    def parts():
        yield random_jets(5)
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        arrow_file.write(tmp_path / "jets.arrow", QG_LAYOUT, parts(), {})
    assert list(tmp_path.glob("*jets*")) == []


def test_lists_of_different_lengths_in_one_example_are_refused(tmp_path: Path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    pt, y = [[10.0], [20.0, 5.0]], [[0.1, 0.2], [0.3]]  # three of each
    columns = [pa.array([0, 1], pa.int8()), pt, y, pt, [[22], [22, 22]]]
    schema = arrow_file.schema_of(QG_LAYOUT)
    pq.write_table(pa.table(dict(zip(QG_LAYOUT.names, columns, strict=True)), schema=schema), tmp_path / "a.parquet")
    with pytest.raises(DataError, match="row 0 has lists of different lengths in pt and y"):
        open_file(INFO, tmp_path / "a.parquet")


@pytest.mark.parametrize("suffix", [".arrow", ".parquet"])
def test_a_store_without_labels_is_read_where_none_are_needed(tmp_path: Path, suffix: str):
    import pyarrow as pa
    import pyarrow.parquet as pq

    jets, path = random_jets(20), tmp_path / f"jets{suffix}"
    arrow_file.write(tmp_path / "with.parquet", QG_LAYOUT, [jets], {})
    table = pq.read_table(tmp_path / "with.parquet").drop_columns(["label"]).replace_schema_metadata()
    if suffix == ".parquet":
        pq.write_table(table, path)
    else:
        with pa.ipc.new_file(str(path), table.schema) as writer:
            writer.write_table(table)
    with pytest.raises(DataError, match="expected those of the store: label, pt"):
        open_file(INFO, path)
    read = open_file(INFO, path, needs_label=False).take(np.arange(20))
    assert_same(read, jets.unlabelled())


def as_written_by_others(suffix: str, path: Path, table: dict) -> Path:
    import pandas as pd
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = path / f"jets{suffix}"
    frame = pd.DataFrame(table)
    if suffix == ".parquet":
        frame.to_parquet(path)  # list<double>, list<int64>, and an index in the metadata
    elif suffix == ".arrow":
        with pa.ipc.new_file(str(path), pa.Table.from_pandas(frame).schema) as writer:
            writer.write_table(pa.Table.from_pandas(frame))
    else:
        path = path.with_suffix(".parquet")
        large = {name: pa.array(values).cast(pa.large_list(pa.float64())) for name, values in table.items()}
        pq.write_table(pa.table(large), path)
    return path


@pytest.mark.parametrize("suffix", [".parquet", ".arrow", "large"])
def test_jets_written_by_pandas_are_read_in_any_type_and_order(tmp_path: Path, suffix: str):
    jets = random_jets(20)
    table = {
        name: [jets[name][a:b].astype(float if name != "pdgid" else int).tolist() for a, b in pairwise(jets.offsets)]
        for name in ("pdgid", "phi", "y", "pt")
    }
    path = as_written_by_others(suffix, tmp_path, table)
    assert_same(open_file(INFO, path, needs_label=False).take(np.arange(20)), jets.unlabelled())
    with pytest.raises(DataError, match="column label missing, found pdgid, phi, y, pt"):
        open_file(INFO, path)
    if suffix != "large":
        path = as_written_by_others(suffix, tmp_path, {**table, "label": jets.label.astype(int), "weight": 1.0})
        assert_same(open_file(INFO, path).take(np.arange(20)), jets)


@pytest.mark.parametrize("suffix", [".parquet", ".arrow"])
def test_what_others_write_is_checked(tmp_path: Path, suffix: str):
    good = {
        "pt": [[10.0], [20.0, 5.0]],
        "y": [[0.1], [0.3, 0.1]],
        "phi": [[0.1], [0.3, 0.1]],
        "pdgid": [[22], [22, 22]],
    }
    for change, said in (
        ({"pt": [[10.0], [20.0]]}, "row 1 has lists of different lengths in pt and y"),
        ({"pt": [[1e30], [20.0, 5.0]]}, "jet 0 has a particle with pt = 1e\\+30"),
        ({"pdgid": [[10**18], [22, 22]]}, "jet 0 has a particle with pdgid"),
        ({"pt": [[10.0], None]}, "column 'pt' has missing values"),
        ({"pt": [10.0, 20.0]}, "column 'pt' has type double, expected list<number>"),
        ({"pt": [["a"], ["b", "c"]]}, "column 'pt' has type list<.*string>, expected list<number>"),
    ):
        path = as_written_by_others(suffix, tmp_path, {**good, **change})
        with pytest.raises(DataError, match=said):
            open_file(INFO, path, needs_label=False)


def test_mapped_pages_are_released_while_many_rows_are_read(tmp_path: Path):
    """A row touches a page of every column, so that random rows of a large file would map much of it."""
    jets, mapping = random_jets(40), Mapping()
    store = Store(QG_LAYOUT, [jets.take([i]) for i in range(40)], mappings=[mapping])
    rows = np.tile(np.arange(40), 2000 // 40)
    assert_same(store.take(rows), jets.take(rows))
    touched = 2000 * (len(QG_LAYOUT.names) - 1) * _FAULT_AROUND
    assert mapping.advice.count(mmap.MADV_DONTNEED) >= touched // (2 * RESIDENT)


def test_the_system_reads_ahead_where_rows_follow_each_other(tmp_path: Path):
    """A device may read megabytes ahead, a thousand times the jet that was asked for."""
    jets, mapping = random_jets(40), Mapping()
    store = Store(QG_LAYOUT, [jets], mappings=[mapping])
    for rows in ([3, 1, 2], [7, 30], [5], np.arange(40), np.arange(8)):
        assert_same(store.take(rows), jets.take(rows))
    assert mapping.advice == [mmap.MADV_RANDOM, mmap.MADV_NORMAL]


class Mapping:
    """Notes what the system is told."""

    def __init__(self) -> None:
        self.advice: list[int] = []

    def madvise(self, advice: int) -> None:
        self.advice.append(advice)
