"""The same predictions in every format."""

from pathlib import Path

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import uproot

from hepexp.errors import ConfigError
from hepexp.evaluation.table_files import SUFFIXES, write_table

SCORE = np.array([0.25, 0.5, 0.75], np.float32)
TABLE = pa.table(
    {"index": [0, 1, 2], "label": pa.array([1, None, 0]), "score_top": SCORE, "log(pt/m)": [1.0, 2.0, 3.0]}
)


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
    write_table(tmp_path / f"scores{suffix}", TABLE)
    found = read(tmp_path / f"scores{suffix}")
    assert found["label"].tolist() == [1, -1, 0]
    assert found["score_top"].dtype == np.float32
    assert (found["score_top"] == SCORE).all()
    (other,) = found.keys() - {"index", "label", "score_top"}
    assert found[other].tolist() == [1, 2, 3]


@pytest.mark.parametrize("suffix", [".parquet", ".root"])
def test_lists_of_each_example_keep_their_lengths(suffix, tmp_path):
    lists = [[0.5, 1.5], [], [2.5]]
    write_table(tmp_path / f"a{suffix}", TABLE.append_column("predicted_d0", pa.array(lists, pa.list_(pa.float32()))))
    found = read(tmp_path / f"a{suffix}")["predicted_d0"]
    assert [list(row) for row in found] == lists


@pytest.mark.parametrize("suffix", [".h5", ".npz"])
def test_lists_are_refused_where_columns_are_arrays(suffix, tmp_path):
    with pytest.raises(ConfigError, match=r"choose a \.parquet or \.root file"):
        write_table(tmp_path / f"a{suffix}", TABLE.append_column("predicted_d0", pa.array([[1.0], [], [2.0]])))
