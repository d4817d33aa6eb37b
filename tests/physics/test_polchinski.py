"""Polchinski's flow: the equation itself, closed forms of free modes, and exact minimising steps."""

import numpy as np
import pytest

from hepexp.errors import ConfigError
from hepexp.physics.free_modes import FreeModes
from hepexp.physics.polchinski import diffuse, normal_step, of_normal


def test_diffusion_follows_a_normal_density_in_closed_form():
    # mean and variance less one of dp/dl = d(dp + z p) decay as e^-l and e^-2l
    z, length = np.linspace(-8, 8, 1601), 0.7
    normal = lambda mean, variance: np.exp(-((z - mean) ** 2) / (2 * variance)) / np.sqrt(2 * np.pi * variance)  # noqa: E731
    found = diffuse(normal(1.0, 0.3), z, length, 40)
    expected = normal(np.exp(-length), 1 - 0.7 * np.exp(-2 * length))
    assert (z[1] - z[0]) * np.abs(found - expected).sum() < 2e-4
    assert found.sum() == pytest.approx(normal(1.0, 0.3).sum(), rel=1e-12)  # nothing leaves through the ends


def test_a_free_mode_satisfies_polchinskis_equation():
    # d<phi^2>/dC = 2 <phi^2> / C - 1, from dP = -dC / 2 d(dP + 2 phi / C P)
    flow = FreeModes(n_steps=200, cutoff=4.0, end=1.0)
    c, square = flow.covariances[:, 3], (flow.covariances * flow.variance(0))[:, 3]
    slope = np.gradient(square, c, edge_order=2)
    assert slope[1:-1] == pytest.approx((2 * square / c - 1)[1:-1], rel=2e-4)


def test_running_mass_shift_and_mean_square():
    flow = FreeModes(dims=2, size=4, mass=1.0, shift=2.0, n_steps=3)
    assert flow.multiplicity.sum() == flow.volume == 16
    assert flow.momenta2.tolist() == [0, 2, 4, 6, 8]
    c0, c = flow.covariances[0, 1], flow.covariances[-1, 1]
    r = 2.0 / (1 + 2.0 * (c0 - c))
    assert flow.exact.phi2[-1] > 0
    assert (flow.covariances * flow.variance(0))[-1, 1] == pytest.approx(c / (1 + r * c), rel=1e-12)
    # far above all momenta the field is an ordinary one: <phi^2> = mean of 1 / (p^2 + m^2 + r)
    high = FreeModes(dims=2, size=4, mass=1.0, shift=2.0, cutoff=1e5, n_steps=3)
    p2 = 4 * np.sin(np.pi * np.arange(4) / 4) ** 2
    assert high.exact.phi2[0] == pytest.approx((1 / (p2[:, None] + p2 + 3)).mean(), rel=1e-8)


@pytest.mark.parametrize("dims", [1, 2])
def test_divergences_from_solutions_fall_and_that_from_the_reference_does_not(dims):
    flow = FreeModes(dims=dims, size=6).exact.divergences
    assert (np.diff(flow["theories"]) < 0).all()
    assert (np.diff(flow["free"]) < 0).all()
    assert np.diff(flow["reference"]).max() > 0


def test_divergence_of_normal_densities_is_the_integral():
    x = np.linspace(-12, 12, 4001)
    p, log_ratio = np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi), -(x**2) / 2 + x**2 / 6 + np.log(3) / 2
    assert of_normal(1.0, 3.0) == pytest.approx((x[1] - x[0]) * (p * log_ratio).sum(), rel=1e-10)


def test_a_minimising_step_is_stationary_and_keeps_the_free_theory():
    s, tau = 0.6, 0.05
    after = normal_step(np.array(s), tau)
    assert (after - s) + tau * (after - 1 / after) == pytest.approx(0, abs=1e-15)
    assert normal_step(np.array(1.0), 0.3) == pytest.approx(1.0, rel=1e-15)


def test_minimising_steps_converge_to_the_flow_in_first_order():
    errors = []
    for n_steps in (20, 40, 80):
        flow = FreeModes(n_steps=n_steps)
        errors.append(np.abs(flow.of_closed_form()[-1] / flow.variance(0)[-1] - 1).max())
    assert errors[0] / errors[1] == pytest.approx(2, abs=0.2)
    assert errors[1] / errors[2] == pytest.approx(2, abs=0.1)


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"shift": -0.25}, r"loss.theory.shift must be > -mass\^2 = -0.25"),
        ({"other_shift": float("nan")}, "other_shift"),
        ({"dims": 3}, "loss.theory.dims"),
        ({"dims": 2, "size": 1000}, "choose a smaller lattice"),
        ({"size": 1}, "loss.theory.size"),
        ({"mass": 0.0}, "loss.theory.mass"),
        ({"end": 5.0}, "loss.theory.end must be >= 0.1 and below loss.theory.cutoff"),
        ({"n_steps": 0}, "loss.theory.n_steps"),
    ],
)
def test_what_cannot_be_is_refused(keys, said):
    with pytest.raises(ConfigError, match=said):
        FreeModes(**keys)
