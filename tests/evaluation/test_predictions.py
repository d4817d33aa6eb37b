import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hepexp.errors import DataError, HepexpError
from hepexp.evaluation.classifiers.scored_examples import Setting
from hepexp.evaluation.evaluators.evaluator import refuse_not_finite
from hepexp.evaluation.predictions import (
    is_of_classifier,
    predictions_table,
    read_predictions,
    write_predictions,
)


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
    with pytest.raises(DataError, match="did not reach its test"):
        read_predictions(tmp_path / "missing.parquet")
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(DataError, match="is not a predictions file"):
        read_predictions(path)


def test_every_flipped_bit_that_changes_a_value_is_refused(file):
    path, scores = file
    whole, refused = path.read_bytes(), 0
    for at in range(0, len(whole), 11):
        data = bytearray(whole)
        data[at] ^= 1 << (at % 8)
        path.write_bytes(data)
        try:
            found = read_predictions(path)
        except DataError:
            refused += 1
        else:
            np.testing.assert_array_equal(found.scores, scores)
            np.testing.assert_array_equal(found.label, np.arange(100) % 2)
    assert refused > 50


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_scores_that_are_no_numbers_are_refused_with_the_example(number):
    outputs = {"index": np.array([4, 7, 9]), "scores": np.ones((3, 2)), "loss": np.full(3, np.nan)}
    refuse_not_finite(outputs)
    outputs["scores"][1, 1] = number
    with pytest.raises(HepexpError, match=r"the scores of 1 of 3 examples are NaN or infinite, .* example 7: "):
        refuse_not_finite(outputs)


def refusal(path) -> str:
    with pytest.raises(DataError) as caught:
        read_predictions(path)
    text = str(caught.value)
    assert "\n" not in text
    assert "b'" not in text
    return text


def test_a_file_that_pandas_wrote_again_is_refused_in_plain_words(file):
    path = file[0]
    table = pq.read_table(path)
    table.to_pandas().to_parquet(path)
    assert "lacks class_names and split in the metadata of its schema" in refusal(path)
    assert "hepexp evaluate RUN --out FOLDER" in refusal(path)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t.drop_columns(["score_quark"]), "has no column score_quark; it has index, label, score_gluon"),
        (lambda t: t.drop_columns(["index"]), "has no column index"),
        (lambda t: t.set_column(1, "label", pa.array(np.ones(100))), "column label holds double, expected whole"),
        (lambda t: t.set_column(2, "score_gluon", pa.array(["a"] * 100)), "score_gluon holds string, expected real"),
        (lambda t: t.set_column(2, "score_gluon", pa.array([None, *[0.5] * 99])), "column score_gluon has gaps"),
        (lambda t: t.set_column(0, "index", pa.array([b"a"] * 100)), "column index holds binary, expected whole"),
        (lambda t: t.replace_schema_metadata(), "lacks class_names and split"),
        (lambda t: t.replace_schema_metadata({"class_names": "3", "split": "test"}), "must be a list of names, got 3"),
        (lambda t: t.replace_schema_metadata({"class_names": "[", "split": "test"}), "is not a predictions file"),
    ],
)
def test_what_is_missing_in_a_changed_file_is_named(file, change, said):
    pq.write_table(change(pq.read_table(file[0])), file[0])
    assert said in refusal(file[0])


def test_weights_and_what_figures_of_merit_need_are_read_back(tmp_path):
    setting = Setting(("QCD", "Hbb", "Tblv"), 0, {"Tblv": (0.995,)})
    weight, mass = np.array([1.5, -0.5, 1]), np.array([80.4, 91.2, 125.0], np.float32)
    columns = (np.arange(3), np.arange(3), np.eye(3), setting.class_names)
    write_predictions(
        tmp_path / "p.parquet", predictions_table(*columns, weight=weight, columns={"mass": mass}, setting=setting)
    )
    found = read_predictions(tmp_path / "p.parquet")
    assert np.array_equal(found.weight, weight)
    assert np.array_equal(found.columns["mass"], mass)
    assert (found.setting.background, found.setting.points(1), found.setting.points(2)) == (0, (0.3, 0.5), (0.995,))
    assert is_of_classifier(pq.read_schema(tmp_path / "p.parquet"))
    plain = predictions_table(*columns)
    write_predictions(tmp_path / "q.parquet", plain)
    assert (read_predictions(tmp_path / "q.parquet").weight, plain.column_names[-1]) == (None, "score_Tblv")
