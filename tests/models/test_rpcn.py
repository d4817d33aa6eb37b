"""The rotational network is invariant under its rotations about the jet axis, and safe where it claims to be."""

from math import pi

import pytest
import torch
from torch.testing import assert_close

from hepexp.errors import ConfigError
from hepexp.models.rpcn import RPCN
from tests.jets import random_jets
from tests.models.test_efn import split


def rpcn(**options) -> RPCN:
    torch.manual_seed(0)
    return RPCN(**options, n_classes=2).double().eval()


def turned(x: torch.Tensor, angle: float) -> torch.Tensor:
    """x (..., 2), rotated."""
    angle = torch.tensor(angle, dtype=x.dtype)
    return x @ torch.stack([angle.cos(), angle.sin(), -angle.sin(), angle.cos()]).view(2, 2)


@pytest.mark.parametrize("irc_safe", [True, False])
@pytest.mark.parametrize("n", [1, 5, 8])
def test_does_not_change_when_the_jet_turns_about_its_axis(n, irc_safe):
    model, mask = rpcn(n_rotations=n, irc_safe=irc_safe), random_jets().mask
    z, x = torch.rand(mask.shape).double() * mask, 0.3 * torch.randn(*mask.shape, 2).double()
    before = model.of_coordinates(z, x, mask)
    for k in range(n):
        assert_close(model.of_coordinates(z, turned(x, 2 * pi * k / n), mask), before, rtol=0, atol=1e-12)
    assert not torch.allclose(model.of_coordinates(z, turned(x, pi / n), mask), before, rtol=0, atol=1e-7)


@pytest.mark.parametrize("irc_safe", [True, False])
def test_a_collinear_splitting_changes_nothing_if_it_is_safe(irc_safe):
    jets, model = random_jets(), rpcn(irc_safe=irc_safe)
    assert torch.allclose(model(split(jets, 0.4)), model(jets), rtol=0, atol=1e-10) == irc_safe


def test_without_rotations_it_is_a_sum_over_particles():
    model, jets = rpcn(n_rotations=1), random_jets(1)
    seen = []
    model.phi.register_forward_hook(lambda _, inputs, output: seen.append(output))
    logits = model(jets)
    f = seen[0].sum(1)[0]  # (1, C)
    for conv in model.convs:
        f = conv.linear(f).relu()
    assert_close(model.f(f), logits, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_rotations": 0}, "model.n_rotations must be > 0, got 0"),
        ({"conv_sizes": []}, r"model.conv_sizes must be one or more widths > 0, got \[\]"),
    ],
)
def test_a_value_that_cannot_be_used_is_named(options, message):
    with pytest.raises(ConfigError, match=message):
        rpcn(**options)
