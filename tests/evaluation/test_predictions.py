import numpy as np
import pyarrow.parquet as pq
import pytest

from hepexp.errors import DataError
from hepexp.evaluation.predictions import predictions_table, read_predictions, write_predictions


@pytest.fixture
def file(tmp_path):
    rng = np.random.default_rng(0)
    scores = rng.dirichlet([1, 1], 100).astype(np.float32)
    write_predictions(
        tmp_path / "predictions.parquet",
        predictions_table(np.arange(100), np.arange(100) % 2, scores, ("gluon", "quark")),
    )
    return tmp_path / "predictions.parquet", scores


def test_what_is_read_is_what_was_written(file):
    path, scores = file
    found = read_predictions(path)
    assert np.array_equal(found.scores, scores)
    assert found.scores.dtype == np.float32
    assert np.array_equal(found.index, np.arange(100))
    assert np.array_equal(found.label, np.arange(100) % 2)
    assert found.class_names == ("gluon", "quark")
    assert found.split == "test"


def test_columns_are_those_of_the_contract(file):
    schema = pq.read_schema(file[0])
    assert [(f.name, str(f.type)) for f in schema] == [
        ("index", "int64"),
        ("label", "int64"),
        ("score_gluon", "float"),
        ("score_quark", "float"),
    ]


def test_an_unknown_label_is_null(tmp_path):
    write_predictions(tmp_path / "p.parquet", predictions_table(np.arange(2), np.array([-1, 1]), np.eye(2), ("a", "b")))
    assert pq.read_table(tmp_path / "p.parquet")["label"].to_pylist() == [None, 1]
    assert read_predictions(tmp_path / "p.parquet").label.tolist() == [-1, 1]


def test_a_failed_write_leaves_the_former_file(file, monkeypatch):
    path, scores = file

    def full(table, where, **options):
        where.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pq, "write_table", full)
    with pytest.raises(OSError, match="No space left"):
        write_predictions(path, predictions_table(np.arange(1), np.zeros(1), np.zeros((1, 2)), ("gluon", "quark")))
    assert np.array_equal(read_predictions(path).scores, scores)
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_bad_files_are_one_line(file, tmp_path):
    path, _ = file
    with pytest.raises(DataError, match="did not come to its test"):
        read_predictions(tmp_path / "missing.parquet")
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(DataError, match="is not a predictions file"):
        read_predictions(path)
