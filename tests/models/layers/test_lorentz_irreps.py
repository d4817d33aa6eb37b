"""Clebsch-Gordan products of Lorentz representations, in float64."""

import math

import pytest
import torch
from torch.testing import assert_close

from hepexp.models.layers.lorentz_irreps import (
    SCALAR,
    VECTOR,
    Layout,
    Product,
    dimension,
    irreps_up_to,
    paths,
    spin_coefficients,
    square_paths,
    vector_components,
)
from tests.jets import random_lorentz


def vectors(n: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(n, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def as_irrep(p4: torch.Tensor) -> torch.Tensor:
    return torch.complex(*vector_components(p4))


@pytest.mark.parametrize("spins", [(1, 1), (1, 2), (2, 2), (3, 2)])
def test_coefficients_of_all_spins_are_a_change_of_basis(spins):
    a, b = spins
    matrix = torch.cat([spin_coefficients(a, b, c).flatten(0, 1) for c in range(abs(a - b), a + b + 1, 2)], dim=1)
    assert_close(matrix @ matrix.T, torch.eye((a + 1) * (b + 1), dtype=torch.float64))


def test_two_spins_of_one_half_make_the_singlet():
    singlet = spin_coefficients(1, 1, 0)[..., 0]
    assert_close(singlet, torch.tensor([[0, 1], [-1, 0]], dtype=torch.float64) / math.sqrt(2))


def test_the_scalar_of_two_vectors_is_their_inner_product():
    p, q = vectors(5), vectors(5, seed=1)
    product = Product(Layout([VECTOR]), Layout([VECTOR]), paths([VECTOR], [VECTOR], [SCALAR]))
    found = product(as_irrep(p), as_irrep(q))[SCALAR][..., 0, 0]
    expected = p[:, 0] * q[:, 0] - (p[:, 1:] * q[:, 1:]).sum(1)
    assert_close(found, expected.to(torch.complex128))


@pytest.mark.parametrize("seed", range(3))
def test_products_of_products_of_vectors_give_invariants(seed):
    """All (0, 0) in ((p q)(r s)) are the same after a boost of all four vectors."""
    irreps = irreps_up_to(2)
    first = Product(Layout([VECTOR]), Layout([VECTOR]), paths([VECTOR], [VECTOR], irreps))
    second = Product(Layout(irreps), Layout(irreps), paths(irreps, irreps, [SCALAR]))

    def invariants(boost: torch.Tensor) -> torch.Tensor:
        p, q, r, s = (as_irrep(vectors(4, seed=i) @ boost.T) for i in range(4))
        pairs = []
        for left, right in ((p, q), (r, s)):
            found = first(left, right)  # (1, 1) is not among them
            parts = [found[i][..., 0, :] if i in found else left.new_zeros(4, dimension(i)) for i in irreps]
            pairs.append(torch.cat(parts, dim=-1))
        return second(*pairs)[SCALAR]

    at_rest = invariants(torch.eye(4, dtype=torch.float64))
    assert at_rest.abs().sum() > 1
    assert_close(invariants(random_lorentz(0.9, seed)), at_rest, rtol=1e-8, atol=1e-10)


def test_left_out_of_a_square_is_what_vanishes_or_comes_twice():
    irreps = irreps_up_to(2)
    layout = Layout(irreps)
    x = torch.randn(3, layout.size, dtype=torch.complex128)
    every = paths(irreps, irreps, irreps)
    values = {path: Product(layout, layout, [path])(x, x)[path.to] for path in every}
    kept = square_paths(irreps, irreps)
    for path in every:
        if path in kept:
            assert values[path].abs().max() > 1e-3
        elif path.left == path.right:
            assert values[path].abs().max() < 1e-12
        else:
            other = values[path._replace(left=path.right, right=path.left)]
            assert (values[path] - other).abs().max() < 1e-12 or (values[path] + other).abs().max() < 1e-12


def test_a_product_moves_to_a_device_or_a_type_as_any_module():
    layout = Layout([SCALAR, VECTOR])
    product = Product(layout, layout, paths(layout.irreps, layout.irreps, [SCALAR]))
    assert product.to("cpu") is product
    assert product.to(torch.float32).coefficients.dtype == torch.float64  # exact: cast where they are used
