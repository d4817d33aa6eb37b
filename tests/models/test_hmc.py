"""Hybrid Monte Carlo: a reversible integrator of second order, and chains of known expectation values."""

import pytest
import torch

from hepexp.errors import ConfigError
from hepexp.evaluation.autocorrelation import chain_mean
from hepexp.models.hmc import HybridMonteCarlo
from hepexp.physics.scalar_field import ScalarField
from hepexp.physics.u1_gauge import U1Gauge
from hepexp.physics.xy_model import XYModel

ACTIONS = [ScalarField(4), U1Gauge(4, 2.0), XYModel(4, 1.0)]


def hmc(action, **keys) -> HybridMonteCarlo:
    model = HybridMonteCarlo(**keys, n_features=0)
    model.take(action)
    return model


def start(action, n=4):
    random = torch.Generator().manual_seed(2)
    x = action.hot(n, random)
    return x, torch.randn(x.shape, generator=random, dtype=x.dtype)


@pytest.mark.parametrize("action", ACTIONS)
def test_with_reversed_momenta_it_returns(action):
    model, (x, p) = hmc(action, step=0.1, n_steps=20), start(action)
    y, q = model.leapfrog(x, p)
    back, minus_p = model.leapfrog(y, -q)
    assert torch.allclose(back, x, atol=1e-11)
    assert torch.allclose(minus_p, -p, atol=1e-11)
    assert not torch.allclose(y, x, atol=0.1)


@pytest.mark.parametrize("action", ACTIONS)
def test_the_energy_changes_by_the_square_of_the_step(action):
    x, p = start(action)

    def change(step):
        model = hmc(action, step=step, n_steps=round(0.4 / step))
        return (model.energy(*model.leapfrog(x, p)) - model.energy(x, p)).abs().mean()

    assert change(0.01) / change(0.005) == pytest.approx(4, rel=0.1)
    assert change(0.005) < 0.01


@pytest.mark.parametrize("action", ACTIONS)
def test_volumes_in_phase_space_are_kept(action):
    model = hmc(type(action)(2), step=0.2, n_steps=3)
    x, p = start(model.action, 1)
    n = x.numel()

    def step(state):
        return torch.cat(
            [one.flatten() for one in model.leapfrog(state[:n].reshape(x.shape), state[n:].reshape(x.shape))]
        )

    jacobian = torch.autograd.functional.jacobian(step, torch.cat([x.flatten(), p.flatten()]))
    assert jacobian.det().item() == pytest.approx(1, abs=1e-10)


@pytest.mark.parametrize("action", [ScalarField(4, 1.0, 0.0), U1Gauge(4, 1.0)])
def test_expectation_values_that_are_known(action):
    model = hmc(action, step=0.15, n_steps=7, thermalisation=50, n_trajectories=200)
    states = list(model.chain(32, torch.Generator().manual_seed(4)))
    observed = torch.stack([action.observe(state.x) for state in states], dim=1).numpy()
    for k, (name, _) in enumerate(action.observables):
        found = chain_mean(observed[..., k])
        assert abs(found.value - action.exact()[name]) < 4 * found.error, name
    creutz = chain_mean(torch.stack([(-state.energy_change).exp() for state in states], dim=1).numpy())
    assert abs(creutz.value - 1) < 4 * creutz.error


def test_what_cannot_be_is_refused():
    for keys, said in (
        ({"step": 0.0}, "model.step"),
        ({"n_steps": 0}, "model.n_steps"),
        ({"thermalisation": -1}, "model.thermalisation"),
        ({"n_features": 2}, "choose dataset=empty"),
    ):
        with pytest.raises(ConfigError, match=said):
            HybridMonteCarlo(**{"n_features": 0, **keys})
