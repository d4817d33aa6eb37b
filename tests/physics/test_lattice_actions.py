"""Theories on a lattice: forces, symmetries, and expectation values that are known."""

from math import pi

import numpy as np
import pytest
import torch

from hepexp.errors import ConfigError
from hepexp.physics.scalar_field import ScalarField
from hepexp.physics.u1_gauge import U1Gauge, plaquettes, wrapped
from hepexp.physics.xy_model import XYModel

ACTIONS = [ScalarField(4), ScalarField(3, 1.0, 0.0), U1Gauge(4, 2.0), XYModel(4, 1.2)]
SMALL = [ScalarField(2), ScalarField(3), U1Gauge(2, 2.0), U1Gauge(5, 2.0), XYModel(2), XYModel(3), XYModel(6)]


def hot(action, n=5):
    return action.hot(n, torch.Generator().manual_seed(3))


@pytest.mark.parametrize("action", ACTIONS)
def test_the_force_is_the_derivative_of_the_action(action):
    x = hot(action).requires_grad_()
    (slope,) = torch.autograd.grad(action(x).sum(), x)
    assert torch.allclose(action.force(x), -slope, atol=1e-12)


@pytest.mark.parametrize("action", ACTIONS)
def test_translations_change_nothing(action):
    x = hot(action)
    for axis in (-1, -2):
        assert torch.allclose(action(x.roll(1, axis)), action(x))
        assert torch.allclose(action.observe(x.roll(1, axis)), action.observe(x))


@pytest.mark.parametrize("action", ACTIONS + SMALL)
def test_a_variable_feels_the_others_by_their_pull_alone(action):
    x, y = hot(action), action.hot(5, torch.Generator().manual_seed(4))
    for variable in torch.ones(action.shape).nonzero():
        here = (slice(None), *variable.tolist())
        moved = x.clone()
        moved[here] = y[here]
        pull = action.pull(x)[here]
        local = action.local(y[here], pull) - action.local(x[here], pull)
        assert torch.allclose(action(moved) - action(x), local, atol=1e-10)
        assert torch.allclose(action.pull(moved)[here], pull)


@pytest.mark.parametrize("action", ACTIONS + SMALL)
def test_variables_of_one_colour_do_not_pull_each_other(action):
    x, colours = hot(action), action.colours()
    assert torch.equal(colours.sum(0), torch.ones(action.shape, dtype=torch.long))
    for colour in colours:
        moved = torch.where(colour, action.hot(5, torch.Generator().manual_seed(4)), x)
        assert torch.allclose(action.pull(moved)[:, colour], action.pull(x)[:, colour])


def test_the_helicity_modulus_is_the_answer_to_a_twist():
    # -d^2 ln Z / dalpha^2 / (beta V) of bonds cos(theta_x+1 - theta_x + alpha), here of each configuration alone
    action = XYModel(4, 0.7)
    theta = hot(action)
    alpha = torch.zeros((), dtype=torch.float64, requires_grad=True)
    found = torch.zeros(5, dtype=torch.float64)
    for axis in (-2, -1):
        twisted = action.beta * (theta.roll(-1, axis) - theta + alpha).cos().sum((1, 2))  # -S of these bonds
        for k, minus_s in enumerate(twisted):
            (slope,) = torch.autograd.grad(minus_s, alpha, create_graph=True)
            (bend,) = torch.autograd.grad(slope, alpha, retain_graph=True)
            found[k] -= 0.5 * (bend + slope.detach() ** 2) / action.beta / action.volume
    assert torch.allclose(action.observe(theta)[:, 2], found)


def test_a_free_field_is_a_normal_distribution():
    action = ScalarField(4, 0.7, 0.0)
    # S = phi K phi / 2, with K from second derivatives
    k = torch.autograd.functional.hessian(lambda x: action(x.reshape(1, 4, 4)).sum(), torch.zeros(16).double())
    covariance, exact = torch.linalg.inv(k), action.exact()
    assert covariance.sum().item() / 16 == pytest.approx(exact["chi"])
    assert covariance.diagonal().mean().item() == pytest.approx(exact["phi2"])
    assert 8 * np.log(2 * pi) - 0.5 * torch.logdet(k).item() == pytest.approx(exact["log_z"])


@pytest.mark.parametrize("beta", [0.5, 2.0])
def test_gauge_theory_on_four_sites_by_quadrature(beta):
    # three plaquettes of four are free, the fourth is minus their sum; 48 points integrate periodic functions exactly
    theta = torch.arange(48, dtype=torch.float64) * 2 * pi / 48 + 0.01
    a, b, c = (x.flatten() for x in torch.meshgrid(theta, theta, theta, indexing="ij"))
    angle = torch.stack([a, b, c, -a - b - c])
    w = (beta * angle.cos().sum(0)).exp()
    exact = U1Gauge(2, beta).exact()
    assert (w * angle.cos().mean(0)).sum() / w.sum() == pytest.approx(exact["plaquette"])
    assert w.mean().log().item() + 8 * np.log(2 * pi) == pytest.approx(exact["log_z"])
    charge = wrapped(angle).sum(0) / (2 * pi)
    assert (w * charge**2).sum() / w.sum() == pytest.approx(exact["charge2"], rel=0.01)  # it jumps between points


def test_published_values_of_gauge_theory():
    # computed from Bessel functions elsewhere
    for beta, plaquette, charge2 in ((1, 0.446390, 2.60072), (2, 0.697775, 1.23930), (7, 0.925700, 0.21711)):
        exact = U1Gauge(8, beta).exact()
        assert exact["plaquette"] == pytest.approx(plaquette, abs=1e-6)
        assert exact["charge2"] == pytest.approx(charge2, abs=1e-5)
    assert U1Gauge(8, 2.0).exact()["log_z"] == pytest.approx(287.98385, abs=1e-5)
    assert all(np.isfinite(list(U1Gauge(32, 100.0).exact().values())))


def test_gauge_transformations_change_no_plaquette():
    theta = hot(U1Gauge(4))
    alpha = torch.rand(5, 4, 4, dtype=torch.float64)
    turned = theta + torch.stack([alpha - alpha.roll(-1, -2), alpha - alpha.roll(-1, -1)], dim=1)
    assert torch.allclose(plaquettes(turned), plaquettes(theta))


def test_the_charge_is_a_whole_number():
    x = hot(U1Gauge(6), 50)
    sums = wrapped(plaquettes(x)).sum((1, 2)) / (2 * pi)
    assert torch.allclose(sums, sums.round(), atol=1e-9)
    assert torch.equal(U1Gauge(6).observe(x)[:, 2], sums.round())


def test_what_cannot_be_is_refused():
    for make, said in (
        (lambda: ScalarField(1), "loss.action.size"),
        (lambda: ScalarField(8, -1.0, 0.0), "could not be normalised"),
        (lambda: ScalarField(8, 1.0, -0.1), "loss.action.lam"),
        (lambda: ScalarField(8, float("nan"), 1.0), "loss.action.m2"),
        (lambda: U1Gauge(8, 0.0), "loss.action.beta"),
        (lambda: U1Gauge(1000), "loss.action.size"),
        (lambda: XYModel(8, -1.0), "loss.action.beta"),
    ):
        with pytest.raises(ConfigError, match=said):
            make()
