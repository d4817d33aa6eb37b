"""The 15 linear maps between pairs that commute with permutations, against a count of them and their definition."""

import itertools

import pytest
import torch
from torch.testing import assert_close

from hepexp.bench.stacked_pelican import fifteen_maps
from hepexp.models.layers.particle_pairs import ParticlePairs
from hepexp.models.layers.permutation_equivariant import Eq2to2, Multiplicity


def test_there_are_fifteen_independent_maps_and_all_are_equivariant():
    n = 4  # with fewer particles some of the maps coincide
    basis = torch.eye(n * n, dtype=torch.float64).view(n * n, 1, n, n)
    sizes = torch.full((n * n,), float(n), dtype=torch.float64)
    maps = fifteen_maps(basis, sizes, torch.zeros(1, 10, dtype=torch.float64))[:, 0]  # (n n, 15, n, n)
    assert torch.linalg.matrix_rank(maps.transpose(0, 1).flatten(1)) == 15
    for order in itertools.permutations(range(n)):
        order = list(order)
        moved = fifteen_maps(basis[..., order, :][..., order], sizes, torch.zeros(1, 10, dtype=torch.float64))[:, 0]
        assert_close(moved, maps[..., order, :][..., order])


def test_the_layer_is_its_weighted_sum_of_maps():
    torch.manual_seed(0)
    layer = Eq2to2(3, 2).double()
    with torch.no_grad():
        layer.bias.fill_(0.7)
        layer.diagonal_bias.fill_(-0.3)
    mask = torch.arange(5) < torch.tensor([5, 2, 3])[:, None]
    pair = mask[:, :, None] & mask[:, None]
    x = torch.randn(3, 5, 5, 3, dtype=torch.float64) * pair[..., None]
    n = mask.sum(1, keepdim=True).double()
    pairs = ParticlePairs.of(mask, torch.float64)
    flat = torch.cat([x[b, : p.n, : p.n].reshape(-1, 3) for p, b in _pieces(pairs, mask)])
    got = layer(flat, pairs, Multiplicity(n, 49))

    maps = fifteen_maps(x.movedim(-1, 1), n[:, 0], layer.alpha)
    expected = torch.einsum("bsd,ndbij->nijs", layer.weights(), maps) + layer.bias
    expected = expected + torch.eye(5, dtype=torch.float64)[..., None] * layer.diagonal_bias
    wanted = torch.cat([expected[b, : p.n, : p.n].reshape(-1, 2) for p, b in _pieces(pairs, mask)])
    real = pairs.real_pairs().bool()
    assert_close(got[real], wanted[real])


def _pieces(pairs: ParticlePairs, mask: torch.Tensor):
    """Each jet with its piece, in the order of the rows."""
    jets, row = pairs.place // mask.shape[1], 0
    for piece in pairs.pieces:
        for _ in range(piece.jets):
            yield piece, int(jets[row])
            row += piece.n


def test_they_are_those_of_another_implementation():
    """The package pelican-lite has the same maps in another order, and divides some by another power of N."""
    primitives = pytest.importorskip("pelican.primitives")
    n = 4
    basis = torch.eye(n * n, dtype=torch.float64)  # each entry of a matrix, as a channel
    sizes = torch.full((n * n,), float(n), dtype=torch.float64)
    ours = fifteen_maps(basis.view(n * n, 1, n, n), sizes, torch.zeros(1, 10, dtype=torch.float64))[:, 0].transpose(
        0, 1
    )
    edges = torch.cartesian_prod(torch.arange(n), torch.arange(n)).T
    theirs = primitives.aggregate_2to2(basis, edges, torch.zeros(n, dtype=torch.long)).permute(2, 1, 0)
    ours, theirs = (maps.flatten(1) / maps.flatten(1).norm(dim=1, keepdim=True) for maps in (ours, theirs))
    same = (ours @ theirs.T).abs() > 1 - 1e-12
    assert same.sum(0).tolist() == same.sum(1).tolist() == [1] * 15
