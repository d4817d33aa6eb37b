"""Boosted trees: the tensors give the numbers of XGBoost, growing in parts changes nothing, and files are checked."""

import json

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from hepexp.batch import FeatureBatch
from hepexp.errors import ConfigError
from hepexp.models.boosted_trees import BoostedTrees, _complete

N, F = 400, 5


def examples(n_classes: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    random = torch.Generator().manual_seed(1)
    x = torch.randn(N, F, generator=random)
    place = x[:, 0] * x[:, 1] + 0.5 * x[:, 2]
    return x, (place[:, None] > torch.linspace(-0.5, 0.5, n_classes + 1)[1:-1]).sum(1)


def batch(x: torch.Tensor) -> FeatureBatch:
    n = len(x)
    return FeatureBatch(torch.zeros(n).long(), torch.arange(n), torch.zeros(n, 0), features=x)


def grown(
    n_classes: int = 3, loss: str = "classes", steps: tuple[int, ...] = (6,), weight=None, **keys
) -> BoostedTrees:
    pytest.importorskip("xgboost")
    x, label = examples(max(n_classes, 2))
    model = BoostedTrees(n_trees=steps[-1], depth=3, n_features=F, n_classes=n_classes, **keys)
    for until in steps:
        model.grow(x, label, weight, loss, until, 7)
    return model


@pytest.mark.parametrize(
    ("n_classes", "objective"), [(1, "reg:squarederror"), (2, "binary:logistic"), (4, "multi:softprob")]
)
def test_the_tensors_give_the_margins_of_xgboost(n_classes: int, objective: str):
    xgboost = pytest.importorskip("xgboost")
    loss = "squares" if n_classes == 1 else "classes"
    model = grown(n_classes, loss)
    x, label = examples(max(n_classes, 2))
    data = xgboost.DMatrix(x.numpy(), label.numpy())
    data.set_base_margin(np.zeros((N, n_classes) if n_classes > 2 else N))
    keys = {"objective": objective, "max_depth": 3, "eta": 0.1, "tree_method": "hist"}
    keys |= {"num_class": n_classes} if n_classes > 2 else {}
    expected = xgboost.train(keys, data, 6).predict(data, output_margin=True).reshape(N, -1)
    found = model(batch(x))
    if n_classes == 2:
        assert (found[:, 0] == 0).all()
        found = found[:, 1:]
    assert_close(found, torch.from_numpy(expected), rtol=0, atol=1e-5)
    assert abs(expected).max() > 0.2


def test_a_tree_with_a_leaf_above_the_others_fills_all_below_it():
    tree = {
        "left_children": [1, -1, 3, -1, -1],
        "right_children": [2, -1, 4, -1, -1],
        "split_indices": [2, 0, 1, 0, 0],
        "split_conditions": [0.5, -1.0, 0.25, 2.0, 3.0],
    }
    feature, threshold, leaf = _complete(tree, 3)
    assert feature[[0, 2]].tolist() == [2, 1]
    assert threshold[[0, 2]].tolist() == [0.5, 0.25]
    assert leaf.tolist() == [-1, -1, -1, -1, 2, 2, 3, 3]


def test_trees_lower_the_loss_in_training_and_an_example_of_weight_two_is_two():
    x, label = examples()
    losses = [torch.nn.functional.cross_entropy(grown(steps=(n,))(batch(x)), label).item() for n in (1, 6, 30)]
    assert np.log(3) > losses[0] > losses[1] > losses[2]
    pytest.importorskip("xgboost")
    twice = torch.ones(N)
    twice[:40] = 2
    weighted = grown(weight=twice)
    doubled = BoostedTrees(n_trees=6, depth=3, n_features=F, n_classes=3)
    again = torch.cat([x, x[:40]])
    doubled.grow(again, torch.cat([label, label[:40]]), None, "classes", 6, 7)
    assert_close(weighted(batch(x)), doubled(batch(x)), rtol=0, atol=1e-4)


def test_a_growth_that_was_interrupted_has_the_same_result():
    through, resumed = grown(steps=(3, 6), subsample=0.5), grown(steps=(3,), subsample=0.5)
    other = BoostedTrees(n_trees=6, depth=3, subsample=0.5, n_features=F, n_classes=3)
    state = resumed.state_dict()
    other.load_state_dict({k: _padded(v, other.state_dict()[k]) for k, v in state.items()})
    other.grow(*examples(), None, "classes", 6, 7)
    for name, value in through.state_dict().items():
        assert torch.equal(value, other.state_dict()[name]), name


def _padded(value: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """Tensors of fewer trees, as those of a model that has room for more."""
    whole = like.clone()
    if value.ndim:
        whole[: len(value)] = value
        return whole
    return value


def test_nothing_depends_on_the_rest_of_a_batch_or_on_monotonic_changes_of_the_features():
    model, (x, label) = grown(), examples()
    assert_close(model(batch(x[:7])), model(batch(x))[:7], rtol=0, atol=0)
    pytest.importorskip("xgboost")
    cubes = BoostedTrees(n_trees=6, depth=3, n_features=F, n_classes=3)
    cubes.grow(x**3, label, None, "classes", 6, 7)
    assert_close(cubes(batch(x**3)), model(batch(x)), rtol=0, atol=1e-5)


def test_double_precision_gives_the_same_decisions():
    model, (x, _) = grown(), examples()
    assert_close(model.double()(batch(x.double())).float(), grown()(batch(x)), rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"n_trees": 0}, r"model.n_trees must be 1 to 20,000, got 0"),
        ({"depth": 13}, r"model.depth must be 1 to 12, got 13"),
        ({"shrinkage": 0.0}, r"model.shrinkage must be in \(0, 1\], got 0.0"),
        ({"subsample": 1.5}, r"model.subsample must be in \(0, 1\], got 1.5"),
        ({"l2": -1.0}, r"model.l2 must be >= 0 and finite, got -1.0"),
        ({"least": float("inf")}, r"model.least must be >= 0 and finite, got inf"),
    ],
)
def test_impossible_trees_are_refused(keys: dict, message: str):
    with pytest.raises(ConfigError, match=message):
        BoostedTrees(**keys, n_features=3, n_classes=2)


def test_negative_weights_are_refused():
    with pytest.raises(ConfigError, match="cannot be grown with negative weights"):
        grown(weight=torch.linspace(-1, 1, N))


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("feature", F, "its trees have features that are not among the 5 of the data set"),
        ("feature", -1, "its trees have features that are not among the 5"),
        ("n_grown", 7, "it has 7 rounds of trees, expected at most 6"),
    ],
)
def test_trees_of_a_stranger_that_would_look_elsewhere_are_refused(name: str, value: int, message: str):
    model = BoostedTrees(n_trees=6, depth=3, n_features=F, n_classes=3)
    state = model.state_dict()
    state[name] = torch.full_like(state[name], value)
    with pytest.raises(ConfigError, match=message):
        model.load_state_dict(state)


def test_a_model_is_numbers_alone():
    state = grown().state_dict()
    assert {value.dtype for value in state.values()} == {torch.int64, torch.float32}
    json.dumps({name: list(value.shape) for name, value in state.items()})
