"""The written gradients of the edge part are those of finite differences; its moments are those of all pairs."""

import pytest
import torch
from torch.testing import assert_close

from hepexp.models.layers.chunks import Chunk, split
from hepexp.models.layers.lorentz_edges import EdgeWeights, edge_messages
from hepexp.models.layers.lorentz_edges_moments import pair_moments
from hepexp.models.layers.minkowski import invariants, invariants_of_differences, metric_tensor
from tests.jets import random_jets

H, LENGTHS = 5, [4, 3, 3, 1]


def draw(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64, requires_grad=True)


@pytest.fixture
def pair() -> torch.Tensor:
    mask = torch.arange(4) < torch.tensor(LENGTHS)[:, None]
    return (mask[:, :, None] & mask[:, None] & ~torch.eye(4, dtype=torch.bool)).double()


@pytest.mark.parametrize("last", [True, False])
@pytest.mark.parametrize("chunks", [[Chunk(0, 4, 4)], split(LENGTHS, pairs=18)], ids=["whole", "chunks"])
def test_gradients_of_the_messages(pair, last, chunks):
    torch.manual_seed(0)
    weights = [draw(2, H), draw(H, H), draw(H), draw(H), draw(1)]
    weights += [] if last else [draw(H, H), draw(H), draw(H)]
    s = draw(2, 4, 4, 4)

    def messages(p, q, s, *w):
        agg, coef = edge_messages(p, q, s, pair, EdgeWeights(*w, *[None] * (8 - len(w))), chunks)
        return agg if coef is None else (agg, coef)

    assert torch.autograd.gradcheck(messages, (draw(4, 4, H), draw(4, 4, H), s, *weights))


def test_moments_are_those_of_the_list_of_pairs(pair):
    torch.manual_seed(0)
    a, b, c, half = draw(4, 4, H), draw(4, 4, H), draw(H, 2), draw(2, 4, 4, 4)
    s = half + half.mT
    mean, var, count = pair_moments(3 + a, b - 2, c, s, pair)
    jet, i, j = pair.nonzero(as_tuple=True)
    rows = 3 + a[jet, i] + b[jet, j] - 2 + s[:, jet, i, j].T @ c.T
    assert count == len(rows)
    assert_close(mean, rows.mean(0))
    assert_close(var, rows.var(0, unbiased=False))
    along = torch.randn(H, dtype=torch.float64)
    inputs = [a, b, c, half]
    written = torch.autograd.grad((along * (mean + var)).sum(), inputs, retain_graph=True)
    listed = torch.autograd.grad((along * (rows.mean(0) + rows.var(0, unbiased=False))).sum(), inputs)
    assert_close(written, listed)


@pytest.mark.parametrize(
    "metric", ["minkowski", "euclidean", [[2, 1, 0, 0], [1, -1, 0, 0], [0, 0, 1, 3], [0, 0, 3, 0]]]
)
def test_invariants_and_their_gradients(metric):
    j = metric_tensor(metric)
    x = random_jets(2, n_min=4, n_max=4).p4.requires_grad_()
    assert_close(invariants(x, j, x.dtype), invariants_of_differences(x, j, x.dtype), rtol=1e-9, atol=1e-9)
    assert torch.autograd.gradcheck(lambda x: invariants(x, j, x.dtype), (draw(2, 4, 4),))


def test_masses_of_nearly_massless_pairs_keep_their_digits():
    # Two photons of 500 GeV, 1 mrad apart: m^2 = 2 E^2 (1 - cos theta) = 0.25 GeV^2, lost in float32.
    theta = torch.tensor(1e-3, dtype=torch.float64)
    x = 500 * torch.stack(
        [theta.new_tensor([1, 1, 0, 0]), torch.stack([theta / theta, theta.cos(), theta.sin(), theta * 0])]
    )
    dot = 500**2 * 2 * (theta / 2).sin() ** 2
    s = invariants(x[None], metric_tensor("minkowski"), torch.float32)
    assert_close(s[1, 0, 0, 1], dot.log1p().float(), rtol=1e-6, atol=0)
    assert_close(s[0, 0, 0, 1], -(2 * dot).log1p().float(), rtol=1e-6, atol=0)
