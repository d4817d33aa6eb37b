"""Phase space against its volume, and its weight against the measure of the surface on which momenta are conserved."""

import math

import pytest
import torch
from scipy.integrate import quad

from hepexp.errors import ConfigError
from hepexp.physics.phase_space import PhaseSpace, volume
from hepexp.physics.vectors import dot

MASSES = ([0.0, 0.0], [0.0] * 3, [0.0] * 4, [3.0, 1.0], [3.0, 0.0, 2.0], [1.0, 2.0, 0.5, 4.0])


def points(space: PhaseSpace, n: int) -> torch.Tensor:
    return torch.rand(n, space.n_dims, dtype=torch.float64, generator=torch.Generator().manual_seed(3))


@pytest.mark.parametrize("masses", MASSES, ids=str)
def test_momenta_are_conserved_and_on_the_mass_shell(masses):
    space = PhaseSpace(20.0, masses)
    p, weight = space(points(space, 50))
    total = p.new_tensor([20.0, 0, 0, 0])
    assert torch.allclose(p.sum(1), total.expand(50, 4), atol=1e-12)
    assert torch.allclose(dot(p, p), p.new_tensor(masses).square().expand(50, -1), atol=1e-11)
    assert (weight > 0).all()


@pytest.mark.parametrize("masses", MASSES, ids=str)
def test_the_weight_is_the_density_on_the_surface_of_conserved_momenta(masses):
    # d Phi = prod d^3p / ((2 pi)^3 2E) (2 pi)^4 delta^4: the delta functions leave the area over the volume of their
    # gradients, and the area is that of the map from the unit cube
    space = PhaseSpace(20.0, masses)
    n = len(masses)
    for r in points(space, 4):
        p, weight = space(r[None])
        jacobian = torch.autograd.functional.jacobian(lambda r: space(r[None])[0][0, :, 1:].flatten(), r)
        energies, momenta = p[0, :, 0], p[0, :, 1:]
        gradients = torch.cat([(momenta / energies[:, None]).flatten()[None], torch.eye(3).repeat(1, n).to(r)])
        area, normal = torch.linalg.det(jacobian.T @ jacobian).sqrt(), torch.linalg.det(gradients @ gradients.T).sqrt()
        density = area / normal * (2 * math.pi) ** (4 - 3 * n) / (2 * energies).prod()
        assert torch.allclose(density, weight[0], rtol=1e-9)


def test_without_masses_the_weight_is_the_volume():
    assert volume(2, 7.0) == pytest.approx(1 / (8 * math.pi))
    assert volume(3, 7.0) == pytest.approx(49 / (256 * math.pi**3))
    for n in (2, 3, 4, 5):
        space = PhaseSpace(7.0, [0.0] * n)
        assert torch.allclose(space(points(space, 20))[1], torch.tensor(volume(n, 7.0), dtype=torch.float64))


def test_the_volume_with_masses_is_that_of_successive_decays():
    def pair(m, a, b):
        return math.sqrt((m**2 - (a + b) ** 2) * (m**2 - (a - b) ** 2)) / (8 * math.pi * m**2)

    exact, _ = quad(lambda m: pair(20, 3, m) * pair(m, 1, 2) * m / math.pi, 3, 17)
    space = PhaseSpace(20.0, [3.0, 1.0, 2.0])
    # the weight depends on the first number alone, as a square root at both ends
    t = math.pi * (torch.arange(2000, dtype=torch.float64) + 0.5) / 2000
    r = torch.cat([(1 - t.cos())[:, None] / 2, torch.full((2000, 4), 0.5, dtype=torch.float64)], dim=1)
    assert (space(r)[1] * t.sin() * math.pi / 2).mean().item() == pytest.approx(exact, rel=1e-5)


@pytest.mark.parametrize("masses", [[0.0] * 3, [1.0, 2.0, 0.5, 4.0]], ids=str)
def test_gradients_are_those_of_finite_differences(masses):
    space = PhaseSpace(20.0, masses)
    assert torch.autograd.gradcheck(space, points(space, 3).requires_grad_())


def test_below_the_threshold_there_is_one_line():
    with pytest.raises(ConfigError, match=r"^an energy of 300 GeV is not above the threshold, .* 345 GeV") as error:
        PhaseSpace(300.0, [172.5, 172.5])
    assert "\n" not in str(error.value)
    for masses in ([0.0], [-1.0, 0.0], [float("inf"), 0.0]):
        with pytest.raises(ConfigError):
            PhaseSpace(300.0, masses)
