"""Parquet files give the images of HDF5 files, and damage is refused."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hepexp.data.datasets.qg_images import reader
from hepexp.data.datasets.qg_images.info import LAYOUT as QG_IMAGES_LAYOUT
from hepexp.data.formats import parquet
from hepexp.data.store.ragged import Ragged
from tests.data.datasets import published_formats
from tests.data.formats.mutation import check_whole, survives


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "qg.parquet"
    published_formats.write_qg_parquet(path, 5, group=2, non_zero=200)
    return path


@pytest.mark.parametrize("whole", [2**26, 0])  # row groups read as a whole, and in a stream
def test_both_forms_give_the_same_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: int):
    monkeypatch.setattr(reader, "IMAGES_AT_ONCE", 3)  # batches that cross row groups
    monkeypatch.setattr(parquet, "_MOST_WHOLE_BYTES", whole)
    published_formats.write_qg_hdf5(tmp_path / "a.hdf5", 8, block=2)
    published_formats.write_qg_parquet(tmp_path / "a.parquet", 8, group=2)
    parts = list(reader.read_parquet(tmp_path / "a.parquet"))
    assert [len(part) for part in parts] == [3, 3, 2]
    a, b = Ragged.concatenate(parts), Ragged.concatenate(reader.read_hdf5(tmp_path / "a.hdf5"))
    check_whole(a, QG_IMAGES_LAYOUT)
    np.testing.assert_array_equal(a.label, b.label)
    np.testing.assert_array_equal(a.offsets, b.offsets)
    for name in ("position", "value", "pt", "m0"):
        np.testing.assert_array_equal(a[name], b[name], err_msg=name)


def test_the_wrong_data_set(tmp_path: Path, refused):
    pq.write_table(pa.table({"part_px": [[1.0]], "y": [1.0]}), tmp_path / "a.parquet")
    refused(
        reader.read_parquet,
        tmp_path / "a.parquet",
        "column X_jets, pt, m0 missing, found part_px, y; expected X_jets, pt, m0, y",
    )


def changed(path: Path, name: str, row: int, value) -> None:
    """Put a value in the place of the one in this row."""
    rows = pq.read_table(path).to_pylist()
    rows[row][name] = value
    pq.write_table(pa.Table.from_pylist(rows), path)


def image(shape: tuple[int, int, int] = (3, 125, 125), value: float | None = 1.0) -> list:
    made = np.ones(shape).tolist()
    made[1][2][3] = value
    return made


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("X_jets", image((2, 125, 125)), r"row 3 has no image \(3, 125, 125\) in X_jets"),
        ("X_jets", image((3, 124, 125)), r"row 3 has no image"),
        ("X_jets", image((3, 125, 126)), r"row 3 has no image"),
        ("X_jets", [*image()[:2], image()[0] * 2], r"row 3 has no image"),
        ("X_jets", None, "column 'X_jets' has missing values"),
        ("X_jets", image(value=None), "column 'X_jets' has missing values"),
        ("X_jets", image(value=np.nan), "row 3 has a pixel with value = nan"),
        ("X_jets", image(value=1e300), "row 3 has a pixel with value = inf"),
        ("X_jets", image(value=-1.0), "row 3 has a pixel with value = -1; expected 0 to 100000"),
        ("X_jets", np.zeros((3, 125, 125)).tolist(), "row 3 is an empty image"),
        ("y", 2.0, "row 3 has label 2; expected 1 for quark, 0 for gluon"),
        ("pt", np.inf, "row 3 has pt = inf; expected 1e-09 to 100000 GeV"),
    ],
)
def test_values_that_are_not_physics(path: Path, refused, name: str, value, message: str):
    changed(path, name, 3, value)
    refused(reader.read_parquet, path, message)


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("X_jets", [[1.0]], "column 'X_jets' has type list<.*double>, expected list<list<list<number>>>"),
        ("X_jets", ["a"], "column 'X_jets' has type string, expected"),
        ("pt", [[1.0]], "column 'pt' has type list<.*>, expected number"),
    ],
)
def test_wrong_types(tmp_path: Path, refused, name: str, values: list, message: str):
    row = {"X_jets": [image()], "pt": [1.0], "m0": [1.0], "y": [1.0], name: values}
    pq.write_table(pa.table(row), tmp_path / "a.parquet")
    refused(reader.read_parquet, tmp_path / "a.parquet", message)


def test_a_truncated_file_another_file_and_none(path: Path, tmp_path: Path, refused):
    path.write_bytes(path.read_bytes()[:-100])
    refused(reader.read_parquet, path, "truncated, corrupted, or not a Parquet file")
    path.write_text("an error page")
    refused(reader.read_parquet, path, "not a Parquet file")
    refused(reader.read_parquet, tmp_path / "none.parquet", "no such file")


@pytest.mark.parametrize("count", [500, pytest.param(10_000, marks=pytest.mark.slow)])
def test_damaged_files(path: Path, tmp_path: Path, count: int):
    assert survives(reader.read_parquet, path, QG_IMAGES_LAYOUT, count, 1, damaged=tmp_path / "damaged.parquet") < count
