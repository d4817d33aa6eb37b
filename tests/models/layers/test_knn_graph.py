"""Nearest neighbours are those of a brute-force search, whatever order the particles come in."""

import pytest
import torch

from hepexp.models.layers.knn_graph import canonical_order, nearest_neighbours, reorder
from tests.jets import permute, random_jets


def brute_force(x: torch.Tensor, i: int, n: int, k: int) -> list[int]:
    others = [j for j in range(n) if j != i]
    return sorted(others, key=lambda j: float((x[i] - x[j]).norm()))[:k]


@pytest.mark.parametrize("k", [1, 4, 16])
@pytest.mark.parametrize("dim", [2, 32])
def test_agrees_with_sorting_all_distances(k, dim):
    mask = random_jets(6, n_min=1, n_max=24).mask
    x = torch.randn(*mask.shape, dim, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    index, is_neighbour = nearest_neighbours(x, mask, k)
    for b in range(len(mask)):
        n = int(mask[b].sum())
        assert not is_neighbour[b, n:].any()
        for i in range(n):
            assert index[b, i][is_neighbour[b, i]].tolist() == brute_force(x[b], i, n, k)


def test_nobody_is_its_own_neighbour_even_among_coincident_particles():
    mask = torch.ones(1, 5, dtype=torch.bool)
    index, is_neighbour = nearest_neighbours(torch.zeros(1, 5, 3), mask, 4)
    assert is_neighbour.all()
    assert index[0].tolist() == [[j for j in range(5) if j != i] for i in range(5)]


def test_equal_distances_on_a_grid_go_to_the_first_in_order():
    grid = torch.cartesian_prod(torch.arange(5.0), torch.arange(5.0))[None]
    index, _ = nearest_neighbours(grid + 0.1, torch.ones(1, 25, dtype=torch.bool), 2)
    assert index[0, 12].tolist() == [7, 11]  # of the four at distance 1 from the middle: 7, 11, 13, 17


def test_padding_is_never_nearer_than_a_real_particle():
    x = torch.tensor([[[0.0], [10.0], [0.1]]])
    index, is_neighbour = nearest_neighbours(x, torch.tensor([[True, True, False]]), 2)
    assert index[0, 0, 0] == 1
    assert is_neighbour[0].tolist() == [[True, False], [True, False], [False, False]]


def ordered(jets) -> torch.Tensor:
    return reorder(jets.p4, canonical_order(jets.p4, jets.mask))


def test_any_order_of_the_particles_becomes_the_same():
    jets = random_jets(16)
    for seed in range(3):
        assert torch.equal(ordered(permute(jets, seed)), ordered(jets))


def test_energy_falls_and_padding_is_last():
    jets = random_jets(16)
    energy = ordered(jets)[..., 0]
    assert (energy.diff(dim=1) <= 0).all()
    assert torch.equal(energy > 0, jets.mask)


def test_equal_energies_are_ordered_by_momentum():
    p4 = torch.tensor([[[1.0, 0.5, 0, 0], [1.0, 0, 0.5, 0], [1.0, 0, 0, 0.5], [1.0, 0.5, 0, 0.1]]])
    jets = random_jets(multiplicity=torch.tensor([4]))
    jets.p4 = p4.double()
    assert torch.equal(ordered(permute(jets, 1)), ordered(permute(jets, 2)))
