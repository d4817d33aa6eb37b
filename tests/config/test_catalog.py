import pytest

from hepexp.config import catalog, yaml_file
from hepexp.errors import ConfigError


def test_groups_and_options_are_folders_and_files(tree):
    searched = catalog.folders()
    assert catalog.groups(searched) == ["dataset", "model", "task"]
    assert list(catalog.options("model", searched)) == ["net", "other"]
    assert catalog.check_group("data", searched) == "dataset"


def test_comments_are_the_documentation(tree):
    path = tree / "conf" / "model" / "net.yaml"
    assert yaml_file.description(path) == "A toy network."
    assert yaml_file.reasons(path) == {"n_hidden": "as published", "dropout": "in the decoder only"}
    assert yaml_file.header(tree / "conf" / "task" / "study.yaml") == ["A study."]
    assert yaml_file.defaults(tree / "conf" / "train.yaml") == {"model": "net", "dataset": "qg", "task": None}
    assert yaml_file.optional(tree / "conf" / "train.yaml") == {"task"}


def test_numbers_are_read_as_hydra_reads_them(tree):
    assert yaml_file.load(tree / "conf" / "model" / "net.yaml")["dropout"] == 0.1


@pytest.mark.parametrize(
    ("text", "message"), [("a: [1", "not valid YAML"), ("- 1", "must hold keys and values, got list")]
)
def test_a_broken_file_is_named(tmp_path, text, message):
    (tmp_path / "broken.yaml").write_text(text)
    with pytest.raises(ConfigError, match=message):
        yaml_file.load(tmp_path / "broken.yaml")
