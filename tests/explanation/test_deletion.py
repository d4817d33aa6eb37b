"""Where one particle decides, its removal is what the score falls by."""

from dataclasses import replace

import numpy as np
import torch

from hepexp.batch import GraphBatch, ImageBatch
from hepexp.explanation import deletion
from hepexp.explanation.elements import of_elements
from hepexp.explanation.lrp import lrp
from hepexp.explanation.removal import without
from tests.explanation.networks import Planted, frozen
from tests.jets import random_jets

N_JETS, N = 40, 10


def planted():
    """Jets of 10 particles of which one has the first scalar."""
    jets = random_jets(multiplicity=torch.full((N_JETS,), N), n_scalars=3)
    place = torch.randint(N, (N_JETS,), generator=torch.Generator().manual_seed(1))
    scalars = torch.zeros(N_JETS, N, 3)
    scalars[torch.arange(N_JETS), place, 0] = 4.0
    return replace(jets, scalars=scalars), place


def test_relevance_finds_the_particle_and_its_curve_is_the_closed_form():
    jets, place = planted()
    model, which = frozen(Planted()), torch.ones(N_JETS, dtype=torch.int64)
    relevance = of_elements(lrp(model, jets, which), jets, {}).each
    assert (relevance.argmax(1) == place).all()

    def score(batch):
        return model(batch).softmax(1)[:, 1]

    found = deletion.curves(score, jets, jets.mask, {"relevance": relevance}, 0.0, seed=0)
    sure = 1 / (1 + np.exp(-4.0))
    np.testing.assert_allclose(found["relevance"][:, 0], sure)
    np.testing.assert_allclose(found["relevance"][:, 1:], 0.5)
    # at random the particle is gone with a probability that is the removed share
    expected = sure + (0.5 - sure) * deletion.SHARES
    np.testing.assert_allclose(found["random"].mean(0), expected, atol=0.08)
    areas = deletion.areas(found, seed=0)
    assert areas["random_minus_relevance"] > 5 * areas["random_minus_relevance_err"]


def test_removed_particles_leave_jets_without_gaps():
    jets, _ = planted()
    keep = torch.rand(N_JETS, N, generator=torch.Generator().manual_seed(2)) > 0.5
    keep[:, 0] = True
    left = without(jets, keep)
    assert (left.mask.sum(1) == keep.sum(1)).all()
    for i in range(N_JETS):
        assert torch.equal(left.p4[i][left.mask[i]], jets.p4[i][keep[i]])
    assert not left.p4[~left.mask].any()


def test_removed_nodes_take_their_edges_along():
    batch = GraphBatch(
        torch.zeros(2),
        torch.arange(2),
        torch.zeros(2, 0),
        x=torch.arange(6.0)[:, None],
        edge_index=torch.tensor([[0, 1, 2, 3, 4], [1, 2, 0, 4, 5]]),
        graph=torch.tensor([0, 0, 0, 1, 1, 1]),
    )
    left = without(batch, torch.tensor([[True, False, True], [True, True, True]]))
    assert left.x[:, 0].tolist() == [0, 2, 3, 4, 5]
    assert left.edge_index.tolist() == [[1, 2, 3], [0, 3, 4]]
    assert left.graph.tolist() == [0, 0, 1, 1, 1]


def test_removed_pixels_are_empty():
    image = torch.ones(1, 2, 2, 2)
    batch = ImageBatch(torch.zeros(1), torch.zeros(1), torch.zeros(1, 0), image=image)
    left = without(batch, torch.tensor([[True, False, True, True]]), torch.tensor([-1.0, -2.0]).view(-1, 1, 1))
    assert left.image[0, :, 0, 1].tolist() == [-1.0, -2.0]
    assert left.image.sum() == 6 - 3
