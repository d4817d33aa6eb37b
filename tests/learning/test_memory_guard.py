"""A model too large for the machine is refused before its memory is taken."""

import pytest
import torch
from omegaconf import OmegaConf
from torch import nn

from hepexp.errors import ConfigError
from hepexp.learning.memory_guard import MOST_TENSORS, within_memory
from hepexp.memory import total


def node(**keys):
    return OmegaConf.create({"_target_": "a.Model", "dropout": 0.1, "nested": {"n": 2}, **keys})


def test_what_fits_is_built_as_without_the_check():
    torch.manual_seed(0)
    expected = nn.Linear(5, 3).weight
    torch.manual_seed(0)
    with within_memory(node(width=5), "model"):
        found = nn.Linear(5, 3).weight
    assert torch.equal(found, expected)


@pytest.mark.parametrize("make", [torch.empty, torch.zeros, torch.ones, torch.randn, torch.rand])
def test_a_tensor_that_could_not_be_trained_is_refused_by_the_largest_key(make):
    n = total() // 16 + 1  # float32, with its gradient and two moments
    message = rf"^model.width={n}: training with a tensor of {n:,} needs [\d,]+ GB of memory and this machine has"
    with pytest.raises(ConfigError, match=message), within_memory(node(width=n), "model"):
        make(n)


def test_tensors_add_up():
    n = total() // 16 // 4
    with pytest.raises(ConfigError, match="needs"), within_memory(node(width=n), "model"):
        [torch.empty(n, 1) for _ in range(6)]


def test_a_table_of_a_row_and_a_column_is_refused():
    """As of all products in a group: neither of the two is large."""
    n = int((total() / 4) ** 0.5) + 1
    with pytest.raises(ConfigError, match=rf"^model.width={n}: .*{n:,} x {n:,}"), within_memory(node(width=n), "model"):
        torch.arange(n)[:, None] + torch.arange(n)


def test_what_the_allocator_refuses_is_told_by_the_largest_key():
    with (
        pytest.raises(ConfigError, match=r"^model.width=300 needs more memory"),
        within_memory(node(width=300), "model"),
    ):
        torch.arange(300).repeat(10**15)


def test_too_many_layers_are_refused():
    message = f"model.nested.n=1000000000 makes more than {MOST_TENSORS:,} tensors"
    with pytest.raises(ConfigError, match=message), within_memory(node(nested={"n": 10**9}), "model"):
        [torch.empty(1) for _ in range(10**9)]


def test_a_number_beyond_all_integers_is_refused():
    with pytest.raises(ConfigError, match="is more than a tensor can hold"), within_memory(node(width=10**22), "model"):
        nn.Linear(10**22, 2)


def test_other_errors_stay_as_they_are():
    with pytest.raises(RuntimeError, match="shapes"), within_memory(node(width=3), "model"):
        torch.ones(2, 3) @ torch.ones(2, 3)
