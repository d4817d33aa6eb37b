"""A mapping whose names are the user's own is replaced as a whole, wherever configurations are merged."""

import pytest
from omegaconf import OmegaConf

from hepexp.cli import show
from hepexp.config.command_line import read, translate
from hepexp.config.compose import Composer
from hepexp.config.overrides import compose
from hepexp.config.own_names import merged
from hepexp.config.record import completed, with_changes
from hepexp.data.find import find_info

FILES = "hepexp.data.datasets.files.module.Files"
MINE = """# Mine.
defaults: [files, _self_]
files: [a.root, b.root]
p4: {pt: pt, eta: eta, phi: phi, mass: 0}
label: flavour
classes: {light: 0, bottom: 5}
reweight: {variables: [pt]}
fractions: {train: 0.6, val: 0.2, test: 0.2}
"""


@pytest.fixture
def conf(tmp_path):
    for name, text in {
        "dataset/mine": MINE,
        "dataset/derived": "# Derived.\ndefaults: [mine, _self_]\nclasses: {b: 5, c: 4}\nfiles: {train: c.root}\n",
        "task/study": "# @package _global_\n# A study.\ndefaults: [{override /dataset: mine}]\n"
        "dataset: {p4: {px: a, py: b, pz: c, mass: 0}, reweight: {to: light}}\n",
    }.items():
        (tmp_path / f"{name}.yaml").parent.mkdir(exist_ok=True)
        (tmp_path / f"{name}.yaml").write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    ("typed", "key", "value"),
    [
        (["data.classes={l: 0, b: 4}"], "classes", {"l": 0, "b": 4}),
        (["data.classes.charm=4"], "classes", {"light": 0, "bottom": 5, "charm": 4}),
        (["data.classes.x=1", "data.classes={l: 0}", "data.classes.b=4"], "classes", {"l": 0, "b": 4}),
        (["data.classes={}"], "classes", {}),
        (["++data.classes={l: 0}"], "classes", {"l": 0}),
        (["~data.classes.light"], "classes", {"bottom": 5}),
        (["data.p4={px: a}"], "p4", {"px": "a"}),
        (["data.files={train: [a], val: [b]}"], "files", {"train": ["a"], "val": ["b"]}),
        (["data.files={QCD: a}", "data.files=[x]"], "files", ["x"]),
        (["data.files={train: {Q: a}}", "data.files.train={t: b}"], "files", {"train": {"t": "b"}}),
        (["data=derived"], "classes", {"b": 5, "c": 4}),
        (["data=derived"], "files", {"train": "c.root"}),
        (["task=study"], "p4", {"px": "a", "py": "b", "pz": "c", "mass": 0}),
        (["task=study", "data.p4={pt: x}"], "p4", {"pt": "x"}),
        # names that the class fixes
        (["data.fractions={train: 0.7, val: 0.1}"], "fractions", {"train": 0.7, "val": 0.1, "test": 0.2}),
        (["data.reweight={to: light}"], "reweight.variables", ["pt"]),
        (["task=study"], "reweight.variables", ["pt"]),
    ],
)
def test_a_new_mapping_of_names_replaces_the_other(conf, typed, key, value):
    words = translate(typed if typed[0].startswith(("data=", "task=")) else ["data=mine", *typed])
    config = Composer([conf]).compose(words)
    found = OmegaConf.select(config.dataset, key)
    assert (OmegaConf.to_container(found) if OmegaConf.is_config(found) else found) == value
    assert config.hydra.overrides.task == words


def test_the_order_of_a_mapping_is_that_of_the_new_one(conf):
    config = Composer([conf]).compose(["dataset=mine", "dataset.classes={bottom: 5, light: 0}"])
    assert list(config.dataset.classes) == ["bottom", "light"]  # the order of the scores


def test_scales_of_a_model_are_merged_as_their_names_are_fixed():
    scales = Composer([]).compose(["model=part", "model.scales={delta_r: [0, 1]}"]).model.scales
    assert list(scales) == ["log_pt", "log_e", "log_pt_rel", "log_e_rel", "delta_r"]
    assert scales.delta_r == [0, 1]


def test_other_verbs_see_the_same_classes(conf, capsys):
    assert find_info("derived", [conf]).classes == ("b", "c")
    show.main(["dataset=derived", "--config-dir", str(conf)])
    assert "{'b': 5, 'c': 4}" in capsys.readouterr().out


def test_plain_values_are_merged_by_the_class_that_they_name():
    below = {"_target_": FILES, "classes": {"a": 0}, "image": {"width": 1.0, "size": 3}}
    above = {"classes": {"b": 1}, "image": {"width": 2.0}}
    assert merged(below, above) == {
        "_target_": FILES,
        "classes": {"b": 1},
        "image": {"width": 2.0, "size": 3},
    }
    assert merged({"classes": {"a": 0}}, {"classes": {"b": 1}}) == {"classes": {"a": 0, "b": 1}}  # of no known class


def test_nodes_and_names_that_take_one_anothers_place(tree):
    (tree / "conf/model/named.yaml").write_text("# Named.\n_target_: toy.nets.Net\nn_hidden: 1\ninner: {a: 1}\n")
    assert compose(read(["model=named", "model.inner={b: 2}"])).model.inner == {"b": 2}
    inner = compose(read(["model=named", "model.inner={_target_: toy.nets.Net, n_hidden: 3}"])).model.inner
    assert inner == {"_target_": "toy.nets.Net", "n_hidden": 3}


def test_a_record_is_not_completed_by_names_that_the_run_replaced(tree):
    (tree / "conf/model/named.yaml").write_text("# Named.\n_target_: toy.nets.Net\nn_hidden: 1\ninner: {a: 1}\n")
    recorded = {"choices": {"model": "named"}, "model": {"_target_": "toy.nets.Net", "inner": {"b": 2}}}
    assert completed(recorded)["model"] == {"_target_": "toy.nets.Net", "n_hidden": 1, "inner": {"b": 2}}


def test_working_points_are_replaced_when_a_run_is_evaluated_again():
    config = Composer([]).compose(["evaluation.working_points={top: [0.3]}"])
    config.evaluation.background = "QCD"
    again = with_changes(config, ["evaluation.working_points={W: [0.5]}"], ("evaluation",))
    assert again.evaluation.working_points == {"W": [0.5]}
