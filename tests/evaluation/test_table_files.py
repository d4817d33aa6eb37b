"""The same predictions in every format."""

from pathlib import Path

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import uproot

from hepexp.errors import DataError
from hepexp.evaluation.predictions import predictions_table, read_predictions, write_predictions
from hepexp.evaluation.table_files import SUFFIXES, TableFile

SCORE = np.array([0.25, 0.5, 0.75], np.float32)
TABLE = pa.table(
    {"index": [0, 1, 2], "label": pa.array([1, None, 0]), "score_top": SCORE, "log(pt/m)": [1.0, 2.0, 3.0]}
)


def write(path: Path, *parts: pa.Table) -> Path:
    with TableFile(path) as file:
        for part in parts:
            file.add(part)
        file.finish()
    return path


def read(path: Path) -> dict[str, np.ndarray]:
    if path.suffix == ".parquet":
        table = pq.read_table(path)
        return {name: _filled(table[name]).to_numpy() for name in table.column_names}
    if path.suffix == ".h5":
        with h5py.File(path) as file:
            return {name: file[name][:] for name in file}
    if path.suffix == ".npz":
        return dict(np.load(path))
    with uproot.open(path) as file:
        return file["predictions"].arrays(library="np")


def _filled(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.fill_null(-1) if column.null_count else column


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_has_the_columns_of_the_table(suffix, tmp_path):
    found = read(write(tmp_path / f"scores{suffix}", TABLE))
    assert found["label"].tolist() == [1, -1, 0]
    assert found["score_top"].dtype == np.float32
    assert (found["score_top"] == SCORE).all()
    (other,) = found.keys() - {"index", "label", "score_top"}
    assert found[other].tolist() == [1, 2, 3]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_lists_of_each_example_keep_their_lengths(suffix, tmp_path):
    lists = [[0.5, 1.5], [], [2.5]]
    table = TABLE.append_column("predicted_d0", pa.array(lists, pa.list_(pa.float32())))
    found = read(write(tmp_path / f"a{suffix}", table, table.slice(1)))
    values = found["predicted_d0"]
    if suffix in (".h5", ".npz"):
        assert values.dtype == np.float32
        values = np.split(values, np.cumsum(found["predicted_d0_counts"])[:-1])
    assert [list(row) for row in values] == lists + lists[1:]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_some_files_lack_is_unknown_there_and_other_numbers_stay_exact(suffix, tmp_path):
    large = 2**62 + 1  # no double
    ids, unsigned = pa.array([large, 2, 3]), pa.array([1, 2, 3], pa.uint8())
    full = TABLE.append_column("id", ids).append_column("n", unsigned).append_column("d0", [[[1.0], [], [2.0, 3.0]]])
    with TableFile(tmp_path / f"a{suffix}") as file:
        for origin, table in {"a": TABLE, "b": full, "c": TABLE.drop_columns(["log(pt/m)", "label"])}.items():
            file.add(table, origin)
        file.finish()
        assert file.lacking() == {"a": ["id", "n", "d0"], "c": ["label", "log(pt/m)", "id", "n", "d0"]}
    assert [path.name for path in tmp_path.iterdir()] == [f"a{suffix}"]
    if suffix == ".parquet":
        rows = pq.read_table(tmp_path / "a.parquet").to_pydict()
        assert rows["id"] == [None] * 3 + [large, 2, 3] + [None] * 3
        assert rows["log(pt/m)"] == [1, 2, 3] * 2 + [None] * 3
        assert rows["d0"] == [None] * 3 + [[1], [], [2, 3]] + [None] * 3
        return
    found = read(tmp_path / f"a{suffix}")
    assert found["id"].tolist() == [-1] * 3 + [large, 2, 3] + [-1] * 3
    assert found["n"].tolist() == [255] * 3 + [1, 2, 3] + [255] * 3
    assert found["label"].tolist() == [1, -1, 0, 1, -1, 0, -1, -1, -1]
    assert np.isnan(next(values for name, values in found.items() if name.startswith("log"))[-3:]).all()
    counts = found["d0_counts"] if "d0_counts" in found else [len(row) for row in found["d0"]]
    assert list(counts) == [0, 0, 0, 1, 0, 2, 0, 0, 0]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_table_in_parts_is_that_table(suffix, tmp_path):
    parts = [TABLE.slice(0, 1), TABLE.slice(1, 0), TABLE.slice(1)]
    whole, again = read(write(tmp_path / f"a{suffix}", TABLE)), read(write(tmp_path / f"b{suffix}", *parts))
    assert whole.keys() == again.keys()
    for name, values in whole.items():
        assert again[name].dtype == values.dtype
        assert again[name].tobytes() == values.tobytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"a{suffix}", f"b{suffix}"]


def test_predictions_in_parts_have_the_checksum_of_the_whole(tmp_path):
    scores = np.random.default_rng(0).random((5, 2))
    table = predictions_table(np.arange(5), np.array([-1, 0, 1, -1, 0]), scores, ("a", "b"))
    table = table.append_column("name", pa.array(["x", "", None, "y", "z"]))
    write_predictions(tmp_path / "whole.parquet", table)
    write(tmp_path / "parts.parquet", table.slice(0, 2), table.slice(2, 0), table.slice(2))
    whole, parts = (pq.read_table(tmp_path / f"{name}.parquet") for name in ("whole", "parts"))
    assert parts.schema.metadata[b"sha256"] == whole.schema.metadata[b"sha256"]
    assert parts.equals(whole)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_without_any_label_there_is_no_column_of_labels(suffix, tmp_path):
    unknown = predictions_table(np.arange(3), np.full(3, -1), np.eye(3), ("a", "b", "c"))
    known = predictions_table(np.arange(3), np.array([-1, 0, 1]), np.eye(3), ("a", "b", "c"))
    without, late = write(tmp_path / f"a{suffix}", unknown, unknown), write(tmp_path / f"b{suffix}", unknown, known)
    assert set(read(without)) == {"index", "score_a", "score_b", "score_c"}
    assert read(late)["label"].tolist() == [-1, -1, -1, -1, 0, 1]
    if suffix == ".parquet":
        assert read_predictions(without).label.tolist() == [-1] * 6


def test_an_interrupted_or_refused_table_leaves_nothing(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        interrupt(tmp_path / "a.root")
    with pytest.raises(DataError, match=r"^new: 'score_top' is double, but float in the file before; score"):
        write_other(tmp_path, TABLE.set_column(2, "score_top", [[0.5, 0.5, 0.5]]))
    assert not list(tmp_path.iterdir())


def write_other(folder: Path, table: pa.Table) -> None:
    with TableFile(folder / "a.npz") as file:
        file.add(TABLE)
        file.add(table, "new")
        file.finish()


def interrupt(path: Path) -> None:
    with TableFile(path) as file:
        file.add(TABLE)
        raise KeyboardInterrupt
