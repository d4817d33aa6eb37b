import torch

from hepexp.models.layers.canonical_order import canonical_order, reorder
from tests.jets import permute, random_jets


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
