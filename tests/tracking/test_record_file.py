"""What is in the files of a record that no run would write: refused by name, never shown."""

import json

import pytest

from hepexp.errors import DataError
from hepexp.tracking import record_file


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"test/auc": [1]}, "test/auc must be a number, got [1]"),
        ({"test/auc": "high"}, "test/auc must be a number, got 'high'"),
        ({"test/\x1b[2J": 1}, "is not the name of a metric"),
        ({"<script>": 1}, "is not the name of a metric"),
        ({"data/source": "\x1b[2J"}, "data/source must be a number"),
        ([1], "expected keys and values, found list"),
        ({"test/auc": 10**400}, "test/auc must be a number, got an integer of more than 300 digits"),
        ({"test/auc": True}, "test/auc must be a number, got True"),
        ({"test/auc": float("nan")}, "test/auc must be a number, got nan"),
        ({"test/loss": float("-inf")}, "test/loss must be a number, got -inf"),
        ({"test/auc_err": -0.1}, "test/auc_err must be >= 0"),
    ],
)
def test_figures_are_numbers_under_plain_names(tmp_path, content, said):
    file = tmp_path / "metrics.json"
    file.write_text(json.dumps(content))
    with pytest.raises(DataError) as caught:
        record_file.figures(file)
    assert said in str(caught.value)
    assert str(caught.value).isprintable()
    file.write_text(json.dumps([content]))
    with pytest.raises(DataError):
        record_file.rows(file)


def test_what_a_run_writes_is_read(tmp_path):
    file = tmp_path / "metrics.json"
    file.write_text('{"test/auc": 0.5, "test/auc_err": null, "model/parameters": 3, "data/source": "mini"}')
    assert record_file.figures(file)["data/source"] == "mini"
    assert record_file.figures(tmp_path / "none.json") == {}


@pytest.mark.parametrize("text", ["- {a: 1}", "- 3", "a: 1", "!!python/name:os.system"])
def test_overrides_are_texts(tmp_path, text):
    (tmp_path / "overrides.yaml").write_text(text)
    with pytest.raises(DataError):
        record_file.words(tmp_path / "overrides.yaml")


@pytest.mark.parametrize(
    "content",
    [
        '{"data": [1]}',
        '{"git": "abc"}',
        '{"data": {"files": 3}}',
        '{"data": {"n_test": "many"}}',
        '{"data": {"n_train": -1}}',
        '{"data": {"n_train": true}}',
        f'{{"data": {{"n_train": {10**400}}}}}',
        '{"hardware": {"cpu": 3}}',
        '{"hardware": {"gpus": 3}}',
        '{"hardware": {"gpus": [{"name": 1}]}}',
        "[" * 100_000,
    ],
)
def test_surroundings_are_mappings(tmp_path, content):
    (tmp_path / "environment.json").write_text(content)
    with pytest.raises(DataError):
        record_file.environment(tmp_path / "environment.json")
