"""Metropolis within Gibbs: exact whatever is proposed, and proposals that learn conditional densities."""

from math import pi

import numpy as np
import pytest
import torch

from hepexp.errors import ConfigError
from hepexp.evaluation.autocorrelation import chain_mean
from hepexp.models.lattice_factorised import LatticeFactorised
from hepexp.physics.scalar_field import ScalarField
from hepexp.physics.u1_gauge import U1Gauge
from hepexp.physics.xy_model import XYModel
from tests.models.test_heat_bath import of_four_spins

ACTIONS = [ScalarField(4), XYModel(4, 1.0), U1Gauge(4, 2.0)]


def factorised(action, spread=0.3, **keys) -> LatticeFactorised:
    """Of a network that has learnt nothing."""
    torch.manual_seed(5)
    model = LatticeFactorised(**keys, n_features=0)
    torch.nn.init.normal_(model.network[-1].weight, std=spread)
    model.take(action)
    return model


def pulls(action) -> torch.Tensor:
    """Of each variable of a configuration, among them one of the other sign."""
    return action.pull(action.hot(1, torch.Generator().manual_seed(6))).flatten()


def of_four_sites(action: ScalarField) -> dict[str, float]:
    """Expectation values by quadrature in all four dimensions."""
    grid = torch.linspace(-1.7, 1.7, 35, dtype=torch.float64)
    phi = torch.cartesian_prod(grid, grid, grid, grid).reshape(-1, 2, 2)
    w = (-action(phi)).softmax(0)
    return dict(zip(("chi", "phi2", "action"), (w @ action.observe(phi)).tolist(), strict=True))


@pytest.mark.parametrize("action", ACTIONS)
def test_a_draw_has_its_density(action):
    pull = pulls(action)
    q = factorised(action).density(pull)
    x, log_q = q.draw(q.noise(pull.shape, torch.Generator().manual_seed(1)))
    assert torch.allclose(q.log_q(x), log_q, atol=1e-9)


@pytest.mark.parametrize("action", ACTIONS)
def test_densities_are_normalised_and_turn_with_the_pull(action):
    model, pull = factorised(action), pulls(action)[:, None]
    is_scalar = action.field == "scalars"
    half = 12.0 if is_scalar else pi
    x = (torch.arange(40_000, dtype=torch.float64) + 0.5) / 20_000 * half - half
    density = model.density(pull.expand(-1, len(x))).log_q(x.expand(len(pull), -1)).exp()
    assert torch.allclose(density.sum(1) * half / 20_000, torch.ones(len(pull)).double(), atol=1e-3)
    turned = model.density(-pull.expand(-1, len(x))).log_q(-x if is_scalar else x + pi)
    assert torch.allclose(turned.exp(), density, atol=1e-9)


@pytest.mark.parametrize(
    ("action", "exact"),
    [
        (ScalarField(2), of_four_sites(ScalarField(2))),
        (ScalarField(2, -9.0, 4.0), of_four_sites(ScalarField(2, -9.0, 4.0))),  # two wells
        (XYModel(2, 0.4), of_four_spins(0.4)),
        (U1Gauge(3, 1.5), U1Gauge(3, 1.5).exact()),
    ],
)
def test_what_is_proposed_changes_no_expectation_value(action, exact):
    model = factorised(action, thermalisation=50, n_sweeps=400)
    with torch.no_grad():
        states = list(model.chain(64, torch.Generator().manual_seed(4)))
    assert 0.05 < torch.stack([state.accepted for state in states]).mean() < 0.95
    observed = torch.stack([action.observe(state.x) for state in states], dim=1).numpy()
    for k, (name, _) in enumerate(action.observables):
        found = chain_mean(observed[..., k])
        assert abs(found.value - exact[name]) < 4 * found.error, name


@pytest.mark.parametrize("action", [ScalarField(4), XYModel(4, 1.0)])
def test_it_learns_the_density_of_a_variable_among_its_neighbours(action):
    model = factorised(action, 0.0, warm_up=3)
    with torch.no_grad():
        before = model.local_ess(32, torch.Generator().manual_seed(1)).mean()
    optimizer = torch.optim.Adam(model.parameters(), 0.01)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 200)
    for _ in range(200):
        optimizer.zero_grad()
        model.divergence(32).mean().backward()
        optimizer.step()
        schedule.step()
    half = 3.0 if action.field == "scalars" else pi
    x = torch.linspace(-half, half, 2001, dtype=torch.float64)
    for size in (0.2, 0.8, 1.5):
        pull = torch.tensor(size, dtype=torch.float64)
        if action.field == "angles":
            pull = torch.polar(pull, torch.tensor(0.7, dtype=torch.float64))
        p = (-action.local(x, pull)).softmax(0)
        with torch.no_grad():
            q = model.density(pull.expand(len(x))).log_q(x).softmax(0)
        assert (p - q).abs().sum() / 2 < 0.07  # total variation
    random = torch.Generator().manual_seed(1)
    with torch.no_grad():
        assert model.local_ess(32, random).mean() > max(0.97, before)
        accepted = np.mean([state.accepted.mean().item() for state in model.chain(32, random, 50)])
    assert accepted > 0.93


def test_what_cannot_be_is_refused():
    for keys, said in (
        ({"n_bins": 1}, "model.n_bins"),
        ({"widths": []}, "model.widths"),
        ({"warm_up": -1}, "model.warm_up"),
        ({"n_sweeps": 0}, "model.n_sweeps"),
        ({"n_features": 2}, "choose dataset=empty"),
    ):
        with pytest.raises(ConfigError, match=said):
            LatticeFactorised(**{"n_features": 0, **keys})
