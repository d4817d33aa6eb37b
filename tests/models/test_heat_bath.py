"""Heat bath: chains of known expectation values, reflections that keep the action, and exact single angles."""

import numpy as np
import pytest
import torch
from scipy.special import ive
from scipy.stats import kstest, vonmises

from hepexp.errors import ConfigError
from hepexp.evaluation.autocorrelation import chain_mean
from hepexp.models.heat_bath import HeatBath
from hepexp.physics.scalar_field import ScalarField
from hepexp.physics.u1_gauge import U1Gauge, wrapped
from hepexp.physics.xy_model import XYModel


def heat_bath(action, **keys) -> HeatBath:
    model = HeatBath(**keys, n_features=0)
    model.take(action)
    return model


def of_four_spins(beta: float) -> dict[str, float]:
    """2 x 2 spins are a ring of four with twice the coupling: <cos(theta_0 - theta_d)> by characters."""
    n = np.arange(-60, 61)
    i, j = ive(n, 2 * beta), ive(n + 1, 2 * beta)
    first, second = (i**3 * j).sum() / (i**4).sum(), (i**2 * j**2).sum() / (i**4).sum()
    return {"cosine": first, "chi": 1 + 2 * first + second, "helicity": first}  # sines of a direction cancel


@pytest.mark.parametrize("overrelaxation", [0, 2])
@pytest.mark.parametrize(
    ("action", "exact"),
    [
        (U1Gauge(4, 2.0), U1Gauge(4, 2.0).exact()),
        (U1Gauge(3, 1.5), U1Gauge(3, 1.5).exact()),  # of three colours in each direction
        (XYModel(2, 0.4), of_four_spins(0.4)),
    ],
)
def test_expectation_values_that_are_known(action, exact, overrelaxation):
    model = heat_bath(action, overrelaxation=overrelaxation, thermalisation=20, n_sweeps=200)
    states = list(model.chain(64, torch.Generator().manual_seed(4)))
    observed = torch.stack([action.observe(state.x) for state in states], dim=1).numpy()
    for k, (name, _) in enumerate(action.observables):
        found = chain_mean(observed[..., k])
        assert abs(found.value - exact[name]) < 4 * found.error, name


def test_an_angle_among_fixed_ones_has_a_von_mises_distribution():
    action = U1Gauge(4, 3.0)
    theta = action.hot(1, torch.Generator().manual_seed(1)).expand(20_000, -1, -1, -1)
    swept = heat_bath(action).sweep(theta, torch.Generator().manual_seed(2))
    first = action.colours()[0].nonzero()[0].tolist()  # drawn before all others
    pull = action.pull(theta[:1])[(0, *first)]
    drawn = wrapped(swept[(slice(None), *first)] - pull.angle())
    assert kstest(drawn.numpy(), vonmises(3.0 * pull.abs().item()).cdf).pvalue > 1e-3


@pytest.mark.parametrize("action", [U1Gauge(4, 2.0), U1Gauge(5, 2.0), XYModel(4, 1.0), XYModel(3, 1.0)])
def test_a_reflection_keeps_the_action_and_is_its_own_inverse_backwards(action):
    x = action.hot(5, torch.Generator().manual_seed(3))
    model = heat_bath(action)
    once = model.reflect(x)
    assert torch.allclose(action(once), action(x), atol=1e-11)
    assert once.abs().max() <= np.pi  # as the angles of a sweep
    assert (once - x).cos().mean() < 0.9
    back = once.clone()
    for colour in action.colours().flip(0):
        back[:, colour] = 2 * action.pull(back)[:, colour].angle() - back[:, colour]
    assert torch.allclose((back - x).cos(), torch.ones_like(x), atol=1e-11)


def test_what_cannot_be_is_refused():
    for keys, said in (
        ({"overrelaxation": -1}, "model.overrelaxation"),
        ({"n_sweeps": 0}, "model.n_sweeps"),
        ({"thermalisation": -1}, "model.thermalisation"),
        ({"n_features": 2}, "choose dataset=empty"),
    ):
        with pytest.raises(ConfigError, match=said):
            HeatBath(**{"n_features": 0, **keys})
    with pytest.raises(ConfigError, match=r"no distribution in closed form: choose model=hmc"):
        heat_bath(ScalarField())
