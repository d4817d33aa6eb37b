"""A field at a point: convolution against quadrature, closed forms and the equation; potentials that cannot be."""

import numpy as np
import pytest
from scipy.integrate import quad

from hepexp.errors import ConfigError
from hepexp.losses.zero_dimensional import ZeroDimensional

WELL = "4*phi**4 - 4.5*phi**2"


@pytest.fixture(scope="module")
def well():
    return ZeroDimensional(WELL, WELL + " + 0.5*phi", covariance=2.0, end=0.2, n_steps=6)


def test_the_density_is_that_of_the_convolved_potential(well):
    # exp(-V_C) = N(0, C_0 - C) * exp(-V_0), by adaptive quadrature
    c0, c = well.covariances[[0, 4], 0]
    v = lambda phi: 4 * phi**4 - 4.5 * phi**2  # noqa: E731

    def unnormalised(phi):
        kernel = lambda eta: np.exp(-((phi - eta) ** 2) / (2 * (c0 - c)) - v(eta))  # noqa: E731
        return np.exp(-(phi**2) / (2 * c)) * quad(kernel, -3, 3, epsabs=1e-13)[0]

    total = quad(unnormalised, -6, 6, epsabs=1e-11)[0]
    for phi in (-1.3, 0.0, 0.4, 2.0):
        found = well.log_density(4, 0, np.array([[phi / np.sqrt(c)]]))[0, 0]
        assert found == pytest.approx(np.log(unnormalised(phi) * np.sqrt(c) / total), abs=1e-7)


def test_equation_and_convolution_agree(well):
    assert well.pde_distance() < 1e-4


def test_a_quadratic_potential_is_known_in_closed_form():
    flow = ZeroDimensional("1.5*phi**2", "0.5*phi**2", end=0.1, n_steps=10)
    c = flow.covariances[:, 0]
    variance = [1 / (1 + r / (1 + r * (1 - c)) * c) for r in (3.0, 1.0)]
    normal = lambda v, w: (v / w - 1 - np.log(v / w)) / 2  # noqa: E731
    assert flow.exact.phi2 == pytest.approx(c * variance[0], rel=1e-7)
    for name, reference in (("theories", variance[1]), ("free", 1.0), ("reference", 0.5)):
        assert flow.exact.divergences[name] == pytest.approx(normal(variance[0], reference), rel=1e-5, abs=1e-9)


def test_divergences_from_solutions_fall_and_that_from_the_reference_does_not(well):
    found = well.exact.divergences
    assert (np.diff(found["theories"]) < 0).all()
    assert (np.diff(found["free"]) < 0).all()
    assert found["reference"][-1] > found["reference"].min() + 0.05


def test_quantiles_follow_the_density(well):
    z = well.quantile(np.linspace(0.05, 0.95, 7)[None, None].repeat(2, 0))
    for theory in (0, 1):
        density = lambda x, k=theory: np.exp(well.log_density(0, k, np.array([[x]]))[0, 0])  # noqa: E731
        below = [quad(density, -3, x, epsabs=1e-10, limit=200)[0] for x in z[theory, 0]]
        assert below == pytest.approx(np.linspace(0.05, 0.95, 7), abs=1e-5)


@pytest.mark.parametrize(
    ("potential", "said"),
    [
        ("-0.6*phi**2", "must keep exp"),
        ("-0.5*phi**2", "must keep exp"),
        ("phi**4 - 0.001*phi**6", "must keep exp"),
        ("phi**3", "must keep exp"),
        ("-exp(phi)", "must keep exp"),
        ("log(phi)", "must be a number for every phi"),
        ("1000*cos(1e5*phi)", "varies too fast"),
        ("psi**2", "must be an expression of phi, such as"),
        ("phi**", "not an expression"),
        ("mean(phi)", "over the particles"),
    ],
)
def test_potentials_that_cannot_be_are_refused(potential, said):
    for keys in ({"potential": potential}, {"other": potential}):
        with pytest.raises(ConfigError, match=said) as refused:
            ZeroDimensional(**keys)
        assert str(refused.value).startswith(f"loss.theory.{next(iter(keys))}")
        assert "\n" not in str(refused.value)


@pytest.mark.parametrize("keys", [{"covariance": 0.0}, {"end": 1.0}, {"end": float("nan")}, {"n_steps": 1000}])
def test_numbers_out_of_range_are_refused(keys):
    with pytest.raises(ConfigError, match=f"loss.theory.{next(iter(keys))}"):
        ZeroDimensional(**keys)


@pytest.mark.parametrize("potential", ["cos(3*phi)", "abs(phi)", "exp(phi)", "-0.45*phi**2", "0"])
def test_any_potential_that_leaves_a_density_is_taken(potential):
    flow = ZeroDimensional(potential, "phi**2", n_steps=2)
    assert np.exp(flow.log_density(0, 0, flow.grid[None])).sum() * (flow.grid[1] - flow.grid[0]) == pytest.approx(1)
