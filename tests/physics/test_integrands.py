"""Cross sections as functions of the unit cube."""

import pytest
import torch

from hepexp.errors import ConfigError
from hepexp.physics.integrands import ThreeGluons, ThreeJets
from hepexp.physics.vectors import dot


def points(integrand, n: int) -> torch.Tensor:
    return torch.rand(n, integrand.n_dims, dtype=torch.float64, generator=torch.Generator().manual_seed(2))


def test_the_mean_over_the_cube_is_the_closed_form():
    integrand = ThreeJets(y_cut=0.1)
    found, _ = integrand(points(integrand, 40_000))
    assert abs(found.mean().item() - integrand.exact()) < 3 * found.std().item() / 200


def test_outside_the_cuts_and_at_the_edge_of_the_cube_it_is_zero():
    integrand = ThreeGluons(energy=1000.0, pt_min=100.0, separation=0.7)
    r = points(integrand, 2000)
    value, p = integrand(r)
    pt_1, pt_3, separation, _ = integrand.observe(p).unbind(1)
    assert torch.equal(value > 0, (pt_3 > 100) & (separation > 0.7))
    assert (pt_1 <= 500).all()
    r[:, 0] = 0.0
    r[1::2, 0] = 1.0
    value, _ = integrand(r)
    assert not value.any()


def test_cross_sections_scale_with_energy_and_couplings():
    # without a scale but the energy, sigma s depends on shares of it alone
    r = points(ThreeGluons(), 50)
    one, _ = ThreeGluons(energy=1000.0, pt_min=60.0, alpha_s=0.1)(r)
    two, _ = ThreeGluons(energy=2000.0, pt_min=120.0, alpha_s=0.2)(r)
    assert torch.allclose(two, one * 8 / 4, rtol=1e-10)
    assert ThreeJets(energy=50.0).exact() == pytest.approx(4 * ThreeJets(energy=100.0).exact())


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: ThreeGluons(energy=-1.0), "energy"),
        (lambda: ThreeGluons(energy=float("nan")), "energy"),
        (lambda: ThreeGluons(energy=100.0, pt_min=40.0), "pt_min"),
        (lambda: ThreeGluons(separation=2.2), "separation"),
        (lambda: ThreeJets(y_cut=0.4), "y_cut"),
        (lambda: ThreeJets(alpha_s=0.0), "alpha_s"),
        (lambda: ThreeJets(alpha=2.0), "alpha"),
        (lambda: ThreeJets(charge_squared=-1.0), "charge_squared"),
    ],
)
def test_values_out_of_range_are_refused_by_name(make, said):
    with pytest.raises(ConfigError, match=rf"^loss\.integrand\.{said} "):
        make()


def test_momenta_are_massless():
    integrand = ThreeGluons()
    _, p = integrand(points(integrand, 20))
    assert dot(p, p).abs().max() < 1e-6
