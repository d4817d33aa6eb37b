"""The written gradients of the edge part are those of finite differences; its moments are those of all pairs."""

import pytest
import torch
from torch.testing import assert_close

from hepexp.models.layers.lorentz_kernel import messages
from hepexp.models.layers.lorentz_kernel.geometry import Invariants, clamped_push, invariants, push
from hepexp.models.layers.lorentz_kernel.messages import EdgeWeights, edge_messages
from hepexp.models.layers.lorentz_kernel.moments import pair_moments
from hepexp.models.layers.metric_matrix import metric_matrices
from hepexp.models.layers.particle_pairs import ParticlePairs
from tests.jets import random_jets

H, LENGTHS = 5, torch.tensor([3, 1, 4, 3])
MASK = torch.arange(4) < LENGTHS[:, None]


def draw(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64, requires_grad=True)


@pytest.fixture(params=["one piece", "pieces"])
def pairs(request) -> ParticlePairs:
    torch.manual_seed(0)
    at_once = {"one piece": 10**6, "pieces": 18}[request.param]
    return ParticlePairs.of(MASK, torch.float64, at_a_time=at_once)


def symmetric(values: torch.Tensor, pairs: ParticlePairs) -> torch.Tensor:
    """values (..., E) plus those of the pairs the other way round."""
    pieces = [piece.square(values) for piece in pairs.pieces]
    return torch.cat([(s + s.mT).flatten(-3) for s in pieces], dim=-1)


@pytest.mark.parametrize("kept", [True, False])
@pytest.mark.parametrize("last", [True, False])
def test_gradients_of_the_messages(pairs, last, kept, monkeypatch):
    monkeypatch.setattr(messages, "KEPT", messages.KEPT if kept else 0)
    n_rows, n_pairs = len(pairs.mask), len(pairs.pair_mask)
    weights = [draw(2, H), draw(H, H), draw(H), draw(H), draw(1)]
    weights += [] if last else [draw(H, H), draw(H), draw(H)]

    def edges(p, q, s, *w):
        agg, coef = edge_messages(p, q, s, EdgeWeights(*w, *[None] * (8 - len(w))), pairs)
        return agg if coef is None else (agg, coef)

    assert torch.autograd.gradcheck(edges, (draw(n_rows, H), draw(n_rows, H), draw(2, n_pairs), *weights))


def test_holds_every_particle_and_pair_once(pairs):
    jets = random_jets(multiplicity=LENGTHS)
    assert pairs.mask.sum() == LENGTHS.sum()
    assert pairs.pair_mask.sum() == (LENGTHS * (LENGTHS - 1)).sum()
    assert_close(pairs.sum_over_particles(pairs.gather(jets.p4)), jets.p4.sum(1))
    assert_close(pairs.neighbours[pairs.mask, 0].unique(), torch.tensor([0.0, 2.0, 3.0], dtype=torch.float64))


def test_sums_over_the_neighbours_of_each_particle(pairs):
    x, pair = draw(len(pairs.mask), H), pairs.pair_mask[:, None]
    receivers, senders = (pairs.sum_over_senders(at * pair) for at in pairs.both(x))
    real = x * pairs.mask[:, None]
    jets = pairs.sum_over_particles(real)
    assert_close(receivers, pairs.neighbours * real)
    assert_close(pairs.sum_over_particles(senders), (LENGTHS[:, None] - 1) * jets)


@pytest.mark.parametrize("n_invariants", [2, 6])
def test_moments_are_those_of_the_list_of_pairs(pairs, n_invariants):
    n_rows, n_pairs = len(pairs.mask), len(pairs.pair_mask)
    a, b, c, half = draw(n_rows, H), draw(n_rows, H), draw(H, n_invariants), draw(n_invariants, n_pairs)
    s = symmetric(half, pairs)
    real = s * pairs.pair_mask
    rows = torch.cat([piece.square(real).sum(-1).flatten(1).T for piece in pairs.pieces])
    mean, var, count = pair_moments(3 + a, b - 2, c, Invariants(s, rows, real @ real.T), pairs)
    i, j = (row[pairs.pair_mask > 0, 0] for row in pairs.both(torch.arange(n_rows)[:, None]))
    z = 3 + a[i] + b[j] - 2 + s[:, pairs.pair_mask > 0].T @ c.T
    assert count == len(z)
    assert_close(mean, z.mean(0))
    assert_close(var, z.var(0, unbiased=False))
    along = torch.randn(H, dtype=torch.float64)
    inputs = [a, b, c, half]
    written = torch.autograd.grad((along * (mean + var)).sum(), inputs, retain_graph=True)
    listed = torch.autograd.grad((along * (z.mean(0) + z.var(0, unbiased=False))).sum(), inputs)
    assert_close(written, listed)


ANY = [[2, 1, 0, 0], [1, -1, 0, 0], [0, 0, 1, 3], [0, 0, 3, 0]]
ALONG_Z = [[1, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, -1]]


@pytest.mark.parametrize("metric", ["minkowski", "euclidean", ANY, [ANY, ALONG_Z]])
def test_invariants_and_their_gradients(pairs, metric):
    j = metric_matrices(metric)
    x = pairs.gather(random_jets(multiplicity=LENGTHS).p4)
    theirs, ours = (invariants(x, j, x.dtype, published, pairs) for published in (True, False))
    assert_close(ours, theirs, rtol=1e-9, atol=1e-9)
    assert_close(ours.s, symmetric(ours.s, pairs) / 2)
    x = draw(*x.shape)
    assert torch.autograd.gradcheck(lambda x: tuple(invariants(x, j, x.dtype, False, pairs)), (x,))


def test_push_and_its_gradients(pairs):
    x, coef = draw(len(pairs.mask), 4), draw(len(pairs.pair_mask))
    assert_close(push(x, coef, pairs), clamped_push(x, coef, pairs, 1e6))
    assert (clamped_push(x, coef, pairs, 1e-3).abs() <= 4e-3).all()
    assert torch.autograd.gradcheck(lambda x, coef: push(x, coef, pairs), (x, coef))


def test_masses_of_nearly_massless_pairs_keep_their_digits():
    # Two photons of 500 GeV, 1 mrad apart: m^2 = 2 E^2 (1 - cos theta) = 0.25 GeV^2, lost in float32.
    theta = torch.tensor(1e-3, dtype=torch.float64)
    x = 500 * torch.stack(
        [theta.new_tensor([1, 1, 0, 0]), torch.stack([theta / theta, theta.cos(), theta.sin(), theta * 0])]
    )
    dot = 500**2 * 2 * (theta / 2).sin() ** 2
    s = invariants(
        x, metric_matrices("minkowski"), torch.float32, False, ParticlePairs.of(torch.ones(1, 2) > 0, x.dtype)
    ).s
    assert_close(s[1, 1], dot.log1p().float(), rtol=1e-6, atol=0)
    assert_close(s[0, 1], -(2 * dot).log1p().float(), rtol=1e-6, atol=0)
