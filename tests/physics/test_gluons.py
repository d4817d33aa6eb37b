"""Amplitudes of gluons against Parke and Taylor's, and by their symmetries."""

import pytest
import torch

from hepexp.errors import ConfigError
from hepexp.physics.colour import N, colour_matrix, structure_constants
from hepexp.physics.gluons import amplitudes, gluons_squared
from hepexp.physics.parke_taylor import parke_taylor
from hepexp.physics.spinors import linear_polarisations, polarisations
from hepexp.physics.vectors import dot
from tests.physics.points import gluons

REFERENCE = torch.tensor([1.0, 0.36, 0.48, 0.8], dtype=torch.float64)


def helicities(n: int, negative: tuple[int, ...]) -> int:
    return sum(1 << (n - 1 - k) for k in negative)


@pytest.mark.parametrize("n", [4, 5, 6])
def test_two_helicities_that_differ_give_parke_and_taylor(n):
    p = gluons(n, 6)
    found = amplitudes(p, polarisations(p, REFERENCE))[0]
    for pair in [(0, 1), (1, 3), (2, n - 1)]:
        exact = parke_taylor(p, pair)
        # digits are lost where products of spinors nearly vanish, so relative to the largest amplitude of the event
        largest = found.abs().amax(0)
        assert ((found[helicities(n, pair)] - exact).abs() / largest).max() < 1e-12


def test_seven_gluons():
    p = gluons(7, 1)
    found = amplitudes(p, polarisations(p, REFERENCE))[0]
    exact = parke_taylor(p, (0, 1))
    assert torch.allclose(found[helicities(7, (0, 1))], exact, rtol=1e-12)
    assert found[0].abs().max() < 1e-12 * exact.abs().min()


@pytest.mark.parametrize("n", [4, 5, 6])
def test_equal_helicities_vanish(n):
    found = amplitudes(p := gluons(n, 4), polarisations(p, REFERENCE))
    largest = found.abs().amax((0, 1))
    for negative in ((), (2,)):
        assert (found[:, helicities(n, negative)].abs() < 1e-12 * largest).all()


@pytest.mark.parametrize("n", [4, 5, 6])
def test_a_gluon_polarised_along_its_momentum_decouples(n):
    p = gluons(n, 4)
    transverse = linear_polarisations(p)
    for k in (0, n - 1):
        along = transverse.clone()
        along[:, k] = p[:, k, None] / p[:, k, :1, None].abs()
        assert (amplitudes(p, along).abs().amax((0, 1)) < 1e-12 * amplitudes(p, transverse).abs().amax((0, 1))).all()


def test_amplitudes_do_not_depend_on_the_gauge():
    p = gluons(6, 3)
    other = torch.tensor([1.0, -0.8, 0.36, 0.48], dtype=torch.float64)
    one, two = (amplitudes(p, polarisations(p, q)) for q in (REFERENCE, other))
    assert ((one - two).abs() < 1e-12 * one.abs().amax((0, 1))).all()


def test_linear_polarisations_give_the_sum_over_helicities():
    p = gluons(5, 5)
    linear, circular = amplitudes(p, linear_polarisations(p)), amplitudes(p, polarisations(p, REFERENCE))
    assert torch.allclose(linear.square().sum(1), circular.abs().square().sum(1), rtol=1e-11)


def test_polarisations_are_normalised_and_transverse():
    p = gluons(5, 5)
    vectors = polarisations(p, REFERENCE)
    assert torch.allclose(dot(vectors[:, :, 0], vectors[:, :, 1]).real, -torch.ones(5, 5, dtype=torch.float64))
    assert dot(vectors, p[:, :, None].to(vectors)).abs().max() < 1e-10


def test_the_order_of_gluons_does_not_matter():
    p = gluons(6, 3)
    assert torch.allclose(gluons_squared(p[:, [0, 1, 4, 2, 5, 3]]), gluons_squared(p), rtol=1e-10)


def test_gradients_are_those_of_finite_differences():
    p = gluons(5, 1)[:, 2:].requires_grad_()

    def logarithm(p):  # of momenta that need not be conserved: the recursion is a function of any
        incoming = gluons(5, 1)[:, :2]
        return gluons_squared(torch.cat([incoming, p], 1)).log()

    assert torch.autograd.gradcheck(logarithm, [p], eps=1e-3, rtol=1e-5)


def test_colour_factors():
    f = torch.from_numpy(structure_constants())
    assert torch.allclose(torch.einsum("acd,bcd->ab", f, f), N * torch.eye(8, dtype=torch.float64))
    # to five gluons the sum over all orderings has no corrections in 1/N: see test_two_to_two.py; of six, the matrix is
    # positive but for the Jacobi identity, by which (n - 2)! factors are independent
    assert torch.linalg.eigvalsh(colour_matrix(6)).min() > 1


@pytest.mark.parametrize("n", [3, 8])
def test_other_numbers_of_gluons_are_refused(n):
    with pytest.raises(ConfigError, match=f"4 to 7 gluons, incoming ones included, got {n}"):
        gluons_squared(torch.zeros(1, n, 4, dtype=torch.float64))
