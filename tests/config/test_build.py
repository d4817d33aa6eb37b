import pytest
from omegaconf import OmegaConf

from hepexp.config.build import instantiate
from hepexp.errors import ConfigError


def test_keyword_only_parameters_come_from_the_run(tree):
    net = instantiate({"_target_": "toy.nets.Net", "n_hidden": 3}, "model", n_classes=5, dropout=0.9, other="ignored")
    assert (net.n_hidden, net.n_classes, net.dropout) == (3, 5, 0.1)


def test_interpolations_and_nested_targets_are_built_first(tree):
    config = OmegaConf.create(
        {"width": 7, "model": {"_target_": "toy.nets.Net", "n_hidden": "${width}", "inner": {"a": 1}}}
    )
    config.model.inner.c = [{"_target_": "toy.Exported", "n_hidden": 2}]
    net = instantiate(config.model, "model", n_classes=4)
    assert (net.n_hidden, net.inner["a"], net.inner["c"][0].n_hidden, net.inner["c"][0].n_classes) == (7, 1, 2, 4)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"_target_": "toy.nets.Net"}, "model.n_hidden needs a value"),
        ({"_target_": "toy.nets.Net", "n_hidden": 1, "x": 2}, "model.x is not an option of Net"),
        ({"_target_": "toy.nets.Fails", "size": -3}, "model.size must be > 0, got -3"),
        ({"_target_": "toy.nets.json"}, "toy.nets has no json"),
        ({"_target_": "toy.nets.nn.Linear"}, "there is no module toy.nets.nn"),
        ({"_target_": "toy.nets.Gone"}, "toy.nets has no Gone"),
        ({"_target_": "toy.gone.Net"}, "there is no module toy.gone"),
        ({"_target_": "toy.nets.build"}, "_target_ toy.nets.build is not a model"),
        ({"_target_": "toy.nets.Layer"}, "_target_ toy.nets.Layer is not a model"),
        ({"_target_": "toy.nets.Jets"}, "_target_ toy.nets.Jets is not a model"),
        ({"_target_": "hepexp.config.plugins.find_spec"}, "is not allowed: it is importlib.util.find_spec"),
        ({"_target_": "subprocess.run"}, "not allowed"),
        ({"_target_": "torch.nn.Linear"}, "not allowed"),
        ({}, "_target_ must be a dotted path"),
    ],
)
def test_what_cannot_be_built_is_one_clear_error(tree, content, message):
    with pytest.raises(ConfigError) as caught:
        instantiate(content, "model")
    assert message in str(caught.value)


def test_a_class_whose_base_is_of_another_library_is_judged_before_it_is_called(tree):
    """Its source does not say whether it is a model."""
    (tree / "toy" / "open.py").write_text(
        "from argparse import Namespace\nfrom torch.nn import Sequential\n"
        "class Good(Sequential):\n    input = 'image'\n"
        "class Bad(Namespace):\n    input = 'image'\n    def __init__(self): raise SystemExit('called')\n"
    )
    assert len(instantiate({"_target_": "toy.open.Good"}, "model")) == 0
    with pytest.raises(ConfigError, match=r"_target_ toy\.open\.Bad is not a model"):
        instantiate({"_target_": "toy.open.Bad"}, "model")
