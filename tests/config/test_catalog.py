import os
import re

import pytest
from hydra._internal.core_plugins.file_config_source import FileConfigSource

from hepexp.config import catalog, paths, yaml_file
from hepexp.config.loader import skip_marks
from hepexp.errors import ConfigError

skip_marks()


def test_groups_and_options_are_folders_and_files(tree):
    searched = catalog.folders()
    assert catalog.groups(searched) == ["dataset", "model", "task"]
    assert list(catalog.options("model", searched)) == ["net", "other"]
    assert catalog.check_group("data", searched) == "dataset"


def test_comments_are_the_documentation(tree):
    path = tree / "conf" / "model" / "net.yaml"
    assert yaml_file.description(path) == "A toy network."
    assert yaml_file.reasons(path) == {"n_hidden": "as published", "dropout": "in the decoder only"}
    path.write_text("a:\n  b: 1  # one\n  c:\n    d: 2\n    # two\n  e: 3  # three\nf: 4  # four\n")
    assert yaml_file.reasons(path) == {"a.b": "one", "a.c.d": "two", "a.e": "three", "f": "four"}
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


def test_an_option_includes_files_that_are_no_options(tree):
    """A plug-in's task may include what hepexp's own tasks have in common, and that may include more."""
    files = {
        "conf/task/_base/nets.yaml": "defaults: [deeper, _self_]\n",
        "conf/task/_base/deeper.yaml": "model: {}\n",
        "plugin/task/mine.yaml": "defaults:\n  - _base/nets@_global_\n  - _self_\n  - override /model: net\n",
        "plugin/task/loop.yaml": "defaults: [/task/loop]\n",
        "plugin/task/gone.yaml": "defaults: [_base/net]\n",
    }
    for name, text in files.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(text)
    searched = catalog.folders([tree / "plugin"])
    assert list(catalog.options("task", searched)) == ["gone", "loop", "mine", "study", "wrong"]
    found = catalog.files("task", "mine", searched)
    assert [file.stem for file in found] == ["deeper", "nets", "mine"]
    for name, message in (("loop", "includes this file itself"), ("gone", "there is no task/_base/net.yaml")):
        with pytest.raises(ConfigError, match=message):
            catalog.files("task", name, searched)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: &a [1]\nb: &b [*a, *a]\n", r"other\.yaml:2 has an alias \(\*a\)"),
        ("a: &a [*a]\n", r"other\.yaml:1 has an alias"),
        (f"a: {'[' * 60}{']' * 60}\n", r"other\.yaml:1 is nested more than 50 levels deep"),
        (f"a: {'x' * 2_000_000}\n", r"other\.yaml has 2,000,004 bytes; a configuration has at most 2,000,000"),
    ],
)
def test_what_a_few_lines_could_blow_up_is_refused_by_our_reader_and_by_that_of_hydra(tree, text, message):
    path = tree / "conf" / "model" / "other.yaml"
    path.write_text(text)
    for read in (yaml_file.load, lambda file: FileConfigSource("", f"file://{file.parent}").load_config("other")):
        with pytest.raises(ConfigError, match=message):
            read(path)


def test_an_anchor_without_an_alias_does_no_harm(tree):
    path = tree / "conf" / "model" / "other.yaml"
    path.write_text("a: &b [1, 2]  # * is no alias in a comment\nc: '*b'\n")
    assert yaml_file.load(path) == {"a": [1, 2], "c": "*b"}


def test_a_pipe_a_folder_and_a_device_are_no_options(tree):
    model = tree / "conf" / "model"
    os.mkfifo(model / "pipe.yaml")
    (model / "folder.yaml").mkdir()
    (model / "device.yaml").symlink_to("/dev/zero")
    for name in ("pipe", "folder", "device"):
        path = catalog.find("model", name, catalog.folders())
        for read in (yaml_file.description, yaml_file.load):
            with pytest.raises(ConfigError, match=f"{name}.yaml is .*not a regular file"):
                read(path)
        with pytest.raises(ConfigError, match=f"{name}.yaml is .*not a regular file"):
            FileConfigSource("", f"file://{model}").load_config(name)


@pytest.mark.parametrize(
    ("group", "name", "said"),
    [
        ("model", "qg", "unknown model 'qg': it is a data set, data=qg"),
        ("study", "top_part", "unknown study 'top_part': it is a task, hepexp train task=top_part"),
        ("task", "quantum_vs_classical", "it is a study, hepexp study quantum_vs_classical"),
        ("task", "adamw", "it is an optimizer, optimizer=adamw"),
        ("model", "brick", "it is a circuit, model.circuit=brick"),
        ("trainer", "learning_rate", "it is a sweep, hepexp sweep sweep=learning_rate"),
        (
            "dataset",
            "default",
            "it is an evaluation, evaluation=default; or a sweep, hepexp sweep sweep=default; or a trainer",
        ),
    ],
)
def test_a_name_of_another_group_is_pointed_to(group, name, said):
    with pytest.raises(ConfigError, match=re.escape(said)):
        catalog.find(group, name, [paths.conf_dir()])


def test_a_file_in_the_place_of_a_data_set_is_told_apart(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "jets.h5").touch()
    with pytest.raises(ConfigError, match=r"it is a file; how to read it: hepexp data inspect jets\.h5$"):
        catalog.find("dataset", "jets.h5", [paths.conf_dir()])
    with pytest.raises(ConfigError, match=r"unknown dataset 'other\.h5' \(options: "):
        catalog.find("dataset", "other.h5", [paths.conf_dir()])
