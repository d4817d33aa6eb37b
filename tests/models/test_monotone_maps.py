"""Monotone maps: slopes by autograd, increasing whatever the weights are."""

import pytest
import torch

from hepexp.errors import ConfigError
from hepexp.models.monotone_maps import MonotoneMaps
from tests.losses.test_matrix_element import batch


@pytest.fixture
def maps():
    model = MonotoneMaps(n_units=5, n_features=0, n_classes=3).double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += torch.randn(parameter.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    return model


def test_slopes_are_those_of_autograd_and_positive(maps):
    z = torch.linspace(-4, 4, 33, dtype=torch.float64).expand(3, -1).clone().requires_grad_()
    mapped, log_slope = maps.transport(z)
    (slope,) = torch.autograd.grad(mapped.sum(), z)
    torch.testing.assert_close(log_slope.exp(), slope, rtol=1e-12, atol=0)
    assert (mapped.diff(dim=1) > 0).all()


def test_a_part_of_the_maps_is_that_part(maps):
    z = torch.randn(3, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    whole, part = maps.transport(z), maps.transport(z[1:2], slice(1, 2))
    assert all(torch.equal(a[1:2], b) for a, b in zip(whole, part, strict=True))


def test_it_begins_near_the_identity_and_returns_a_row_for_each_example():
    model = MonotoneMaps(n_features=0, n_classes=7)
    z = torch.linspace(-3, 3, 11).expand(7, -1)
    torch.testing.assert_close(model.transport(z)[0], z, rtol=0, atol=0.1)
    assert model(batch(4)).shape == (4, 7)
    assert sum(p.numel() for p in model.parameters()) == 7 * (2 + 3 * 12)


@pytest.mark.parametrize(
    ("keys", "said"), [({"n_units": 0}, "n_units"), ({"reach": 0.0}, "reach"), ({"n_features": 2}, "dataset=empty")]
)
def test_what_cannot_be_is_refused(keys, said):
    with pytest.raises(ConfigError, match=said):
        MonotoneMaps(**{"n_features": 0, "n_classes": 2, **keys})
