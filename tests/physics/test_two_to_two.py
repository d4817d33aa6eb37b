"""Closed forms of 2 -> 2 against traces, total cross sections and each other."""

import numpy as np
import pytest
import torch

from hepexp.physics.gluons import gluons_squared
from hepexp.physics.parke_taylor import five_gluons_squared
from hepexp.physics.three_jets import three_jet_rate, three_jets_squared
from hepexp.physics.two_to_two import gluons_to_top_pair, quarks_to_top_pair
from hepexp.physics.vectors import beams, invariants
from tests.physics.closed_forms import gluons_to_gluons
from tests.physics.points import ENERGY, gluons


def gamma_matrices() -> np.ndarray:
    pauli = np.array([[[0, 1], [1, 0]], [[0, -1j], [1j, 0]], [[1, 0], [0, -1]]])
    zero = np.kron(np.diag([1, -1]), np.eye(2))
    return np.stack([zero, *(np.kron(np.array([[0, 1], [-1, 0]]), one) for one in pauli)])


GAMMA = gamma_matrices()
METRIC = np.diag([1.0, -1, -1, -1])


def slash(p):
    return np.einsum("m,mij->ij", METRIC @ p, GAMMA)


def annihilation(s: float, cos: float, mass: float) -> float:
    """Sum over spins of |v(p2) gamma u(p1) u(k1) gamma v(k2)|^2 / s^2, by traces, over 4."""
    e, k = np.sqrt(s) / 2, np.sqrt(s / 4 - mass**2)
    p1, p2 = np.array([e, 0, 0, e]), np.array([e, 0, 0, -e])
    k1 = np.array([e, k * np.sqrt(1 - cos**2), 0, k * cos])
    k2 = np.array([2 * e, 0, 0, 0]) - k1
    one = np.eye(4)
    initial = np.einsum("ij,mjk,kl,nli->mn", slash(p2), GAMMA, slash(p1), GAMMA)
    final = np.einsum("ij,mjk,kl,nli->mn", slash(k1) + mass * one, GAMMA, slash(k2) - mass * one, GAMMA)
    return np.einsum("mn,mr,ns,rs->", initial, METRIC, METRIC, final).real / s**2 / 4


def f64(*values):
    return [torch.tensor(value, dtype=torch.float64) for value in values]


@pytest.mark.parametrize("cos", [-0.7, 0.2])
def test_quark_annihilation_is_a_trace_times_the_colour_factor(cos):
    assert quarks_to_top_pair(*f64(5e5, cos, 173.0)).item() == pytest.approx(2 / 9 * annihilation(5e5, cos, 173.0))


@pytest.mark.parametrize("rho", [0.1, 0.6, 0.95])
def test_total_cross_sections_of_top_pairs(rho):
    # in units of pi alpha_s^2 / s: beta / 16 times the integral of |M|^2 over the cosine, with g = 1
    x, weight = np.polynomial.legendre.leggauss(200)
    s, beta = torch.tensor(1.0, dtype=torch.float64), np.sqrt(1 - rho)
    mass = torch.tensor(np.sqrt(rho / 4))
    for process, exact in (
        (quarks_to_top_pair, 8 / 27 * beta * (1 + rho / 2)),
        (
            gluons_to_top_pair,
            ((1 + rho + rho**2 / 16) * np.log((1 + beta) / (1 - beta)) - beta * (7 / 4 + 31 * rho / 16)) / 3,
        ),
    ):
        integral = weight @ process(s, torch.from_numpy(x), mass).numpy()
        assert beta / 2 * integral == pytest.approx(exact, rel=1e-10)


def test_the_derivative_by_the_mass_is_that_of_finite_differences():
    cos = torch.linspace(-0.9, 0.9, 7, dtype=torch.float64)
    mass, s = torch.tensor(172.5, dtype=torch.float64, requires_grad=True), torch.tensor(4e5, dtype=torch.float64)
    for process in (quarks_to_top_pair, gluons_to_top_pair):
        assert torch.autograd.gradcheck(lambda m, process=process: process(s, cos, m), [mass], eps=1e-3)


def test_gluon_scattering_is_the_sum_over_helicities_and_colours():
    p = gluons(4, 20)
    s = invariants(p)
    assert torch.allclose(gluons_squared(p), gluons_to_gluons(s[:, 0, 1], s[:, 0, 2], s[:, 0, 3]), rtol=1e-11)


def test_five_gluons_are_the_sum_over_helicities_and_colours():
    p = gluons(5, 10)
    assert torch.allclose(gluons_squared(p), five_gluons_squared(p), rtol=1e-11)


def test_three_jets_averaged_over_directions():
    # by the rate of e+ e- -> q qbar, and C_F alpha_s / 2 pi (x1^2 + x2^2) / ((1 - x1) (1 - x2))
    p = gluons(5, 1)[:, 2:]
    axes, weight = np.polynomial.legendre.leggauss(8)
    x = 2 * p[0, :, 0] / ENERGY
    mean = 0.0
    for cos, w in zip(axes, weight, strict=True):
        for phi in np.arange(8) * np.pi / 4:
            sin = np.sqrt(1 - cos**2)
            axis = p.new_tensor([0, sin * np.cos(phi), sin * np.sin(phi), cos])
            along = p.new_tensor([1.0, 0, 0, 0])
            both = ENERGY / 2 * torch.stack([along + axis, along - axis])
            mean += w / 2 / 8 * three_jets_squared(both, p).item()
    rate = (x[0] ** 2 + x[1] ** 2) / ((1 - x[0]) * (1 - x[1]))
    assert mean == pytest.approx((8 * 4 / 3 / ENERGY**2 * rate).item(), rel=1e-10)
    assert torch.equal(beams(2.0, p).sum(0), p.new_tensor([2.0, 0, 0, 0]))


def test_the_rate_above_a_cut_is_the_integral():
    y = 0.05
    x, weight = np.polynomial.legendre.leggauss(60)
    total = 0.0
    for one, w in zip(2 * y + (1 - 3 * y) * (x + 1) / 2, weight * (1 - 3 * y) / 2, strict=True):
        low, high = 1 + y - one, 1 - y
        two = low + (high - low) * (x + 1) / 2
        total += w * (weight * (high - low) / 2) @ ((one**2 + two**2) / ((1 - one) * (1 - two)))
    assert three_jet_rate(y) == pytest.approx(total, rel=1e-9)
