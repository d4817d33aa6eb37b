"""Tests for isotropy: their probabilities are flat for isotropic directions, and small for others."""

import numpy as np

from hepexp.evaluation.generation.isotropy import isotropy


def directions(random: np.random.Generator, n: int) -> np.ndarray:
    x = random.normal(size=(n, 3))
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def test_probabilities_of_isotropic_directions_are_flat():
    random = np.random.default_rng(1)
    found = [isotropy(directions(random, 500)) for _ in range(400)]
    for name in ("dipole", "quadrupole"):
        values = np.sort([one[name] for one in found])
        assert abs(values - (np.arange(400) + 0.5) / 400).max() < 1.63 / 20  # Kolmogorov, 1 %


def test_a_forward_excess_is_a_dipole_and_an_axis_a_quadrupole():
    random = np.random.default_rng(2)
    x = directions(random, 4000)
    forward = x[random.random(4000) < (1 + 0.3 * x[:, 2]) / 1.3]
    assert isotropy(forward)["dipole"] < 1e-6
    assert isotropy(forward)["quadrupole"] > 1e-3
    along = x[random.random(4000) < (1 + x[:, 0] ** 2) / 2]
    assert isotropy(along)["quadrupole"] < 1e-6
    assert isotropy(along)["dipole"] > 1e-3


def test_all_axes_are_alike():
    x = directions(np.random.default_rng(3), 50)
    turn = np.linalg.qr(np.random.default_rng(4).normal(size=(3, 3)))[0]
    for name, value in isotropy(x).items():
        assert np.isclose(isotropy(x @ turn)[name], value, rtol=1e-10)
