import pytest
from omegaconf import OmegaConf

from hepexp.config.build import instantiate
from hepexp.errors import ConfigError


def test_keyword_only_parameters_come_from_the_run(tree):
    net = instantiate({"_target_": "toy.nets.Net", "n_hidden": 3}, n_classes=5, dropout=0.9, other="ignored")
    assert (net.n_hidden, net.n_classes, net.dropout) == (3, 5, 0.1)


def test_interpolations_and_nested_targets_are_built_first(tree):
    config = OmegaConf.create(
        {"width": 7, "model": {"_target_": "toy.nets.Net", "n_hidden": "${width}", "inner": {"a": {"b": 1}}}}
    )
    config.model.inner.c = {"_target_": "toy.Exported", "n_hidden": 2}
    net = instantiate(config.model, n_classes=4)
    assert (net.n_hidden, net.inner["a"]["b"], net.inner["c"].n_hidden, net.inner["c"].n_classes) == (7, 1, 2, 4)


def test_what_a_library_requires_comes_from_the_run():
    import torch

    weight = torch.nn.Parameter(torch.zeros(2))
    made = instantiate({"_target_": "torch.optim.SGD", "lr": 0.5}, params=[weight])
    assert made.param_groups[0]["lr"] == 0.5


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"_target_": "toy.nets.Net"}, "missing a required argument: 'n_hidden'"),
        ({"_target_": "toy.nets.Net", "n_hidden": 1, "x": 2}, "unexpected keyword argument 'x'"),
        ({"_target_": "toy.nets.Fails", "size": -3}, "model.size must be > 0, got -3"),
        ({"_target_": "toy.nets.json"}, "must be a class or a function, got module"),
        ({"_target_": "toy.nets.Gone"}, "toy.nets has no Gone"),
        ({"_target_": "toy.gone.Net"}, "there is no module toy.gone"),
        ({"_target_": "hepexp.config.plugins.find_spec"}, "_target_ importlib.util.find_spec is not allowed"),
        ({"_target_": "subprocess.run"}, "not allowed"),
        ({}, "_target_ must be a dotted path"),
        ({"_target_": "torch.optim.SGD", "params": [], "lr": -1.0}, "torch.optim.SGD: "),
    ],
)
def test_what_cannot_be_built_is_one_clear_error(tree, content, message):
    with pytest.raises(ConfigError) as caught:
        instantiate(content)
    assert message in str(caught.value)
