"""The flow of links: its density, gauge symmetry, and what its stripes leave unchanged."""

from math import log, pi

import numpy as np
import pytest
import torch
from scipy.special import i0

from hepexp.data.datasets.empty import Empty
from hepexp.errors import ConfigError
from hepexp.losses.sampling import Sampling
from hepexp.models.lattice_u1 import LatticeU1
from hepexp.models.layers.von_mises import VonMisesMap
from hepexp.physics.u1_gauge import U1Gauge, plaquettes, wrapped


def flow(size=4, **keys) -> LatticeU1:
    """In float64, with weights that are not those of the beginning."""
    torch.manual_seed(0)
    model = LatticeU1(**{"n_bins": 3, "widths": [4], **keys}, n_features=0, n_classes=2 * size**2).double()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.25)
    model.begin_at(1.5)
    return model


def same(one: torch.Tensor, other: torch.Tensor) -> bool:
    return torch.allclose(wrapped(one - other), torch.zeros_like(one), atol=1e-9)


CASES = [(4, None), (3, None), (4, 4), (6, 3)]


@pytest.mark.parametrize(("size", "period"), CASES)
def test_the_density_is_that_of_the_determinant(size, period):
    model = flow(size, period=period)
    z, n = model.latent(1, torch.Generator().manual_seed(1)), 2 * size**2
    theta, log_q = model.draw(z)
    jacobian = torch.autograd.functional.jacobian(lambda x: model.draw(x)[0], z).reshape(n, n)
    assert torch.allclose(log_q[0], -n * log(2 * pi) - torch.linalg.slogdet(jacobian)[1], atol=1e-9)
    assert torch.allclose(model.log_density(theta), log_q, atol=1e-9)


@pytest.mark.parametrize(("size", "period"), CASES)
def test_it_commutes_with_gauge_transformations(size, period):
    model = flow(size, period=period)
    z = model.latent(3)
    alpha = 2 * pi * torch.rand(3, size, size, dtype=torch.float64)
    gauge = torch.stack([alpha - alpha.roll(-1, -2), alpha - alpha.roll(-1, -1)], dim=1)
    (theta, log_q), (turned, log_turned) = model.draw(z), model.draw(z + gauge)
    assert same(turned, theta + gauge)
    assert torch.allclose(log_turned, log_q, atol=1e-9)
    assert torch.allclose(model.log_density(theta + gauge), log_q, atol=1e-9)


@pytest.mark.parametrize(("size", "period"), CASES)
def test_a_stripe_moves_its_own_links_alone(size, period):
    from hepexp.models.lattice_u1 import _Stripes

    model = flow(size, period=period)
    for coupling in model.couplings[: model.period]:
        z = model.latent(2)
        stripes = _Stripes(z, model.period)
        coupling(stripes, VonMisesMap(model.start_beta[None]))
        theta = stripes.links()
        moved = ~torch.isclose(wrapped(theta - z), torch.zeros(()).double(), atol=1e-9)
        assert moved[:, 0, :, coupling.stripe :: model.period].all()
        assert moved.sum() == 2 * size * size // model.period
        known = torch.stack(stripes.angles, -1).flatten(2)  # plaquettes as they were updated
        assert same(known, plaquettes(theta))


def test_translations_by_a_period_across_the_stripes_change_the_places_alone():
    model = flow(6, period=3)
    for coupling in model.couplings:
        torch.nn.init.zeros_(coupling.place)
    theta, log_q = model.draw(model.latent(3))
    for axis in (2, 3):
        assert torch.allclose(model.log_density(theta.roll(3, axis)), log_q, atol=1e-9)


@pytest.mark.parametrize(("period", "left_over"), [(None, 1), (4, 4)])
def test_it_begins_with_independent_plaquettes_but_for_those_left_over(period, left_over):
    """Each left over is uniform, so the weights are exp(beta cos P) of these: ESS = (I_0(beta)^2 / I_0(2 beta))^n."""
    action = U1Gauge(8, 2.0)
    model = LatticeU1(period=period, n_features=0, n_classes=128).double()
    Sampling(action).prepare(model, None, Empty.spec)
    links, log_q = model.draw(model.latent(4000, torch.Generator().manual_seed(3)))
    weight = (-action(links) - log_q).detach().numpy()
    weight = np.exp(weight - weight.max())
    ess = weight.mean() ** 2 / (weight**2).mean()
    assert ess == pytest.approx((i0(2.0) ** 2 / i0(4.0)) ** left_over, rel=0.1)


def test_weights_bring_the_start_they_were_trained_with():
    trained, other = LatticeU1(n_features=0, n_classes=32), LatticeU1(n_features=0, n_classes=32)
    trained.begin_at(2.0)
    other.load_state_dict(trained.state_dict())
    z = trained.latent(2)
    assert torch.equal(other.draw(z)[1], trained.draw(z)[1])


def test_it_begins_as_uniform_links_without_a_coupling():
    model = LatticeU1(n_features=0, n_classes=32).double()
    z = model.latent(2)
    theta, log_q = model.draw(z)
    assert same(theta, z)
    assert torch.allclose(log_q, torch.full((2,), -32 * log(2 * pi)).double())


def test_what_cannot_be_is_refused():
    for keys, said in (
        ({"n_classes": 2 * 36, "period": 4}, "got loss.action.size=6"),
        ({"n_classes": 8}, "model.period must be >= 3"),
        ({"n_classes": 16}, "square lattice"),
        ({"n_sweeps": 0}, "model.n_sweeps"),
        ({"n_bins": 1}, "model.n_bins"),
        ({"n_features": 3}, "choose dataset=empty"),
    ):
        with pytest.raises(ConfigError, match=said):
            LatticeU1(**{"n_features": 0, "n_classes": 32, **keys})
