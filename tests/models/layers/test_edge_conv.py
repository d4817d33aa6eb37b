"""EdgeConv against its formula written out edge by edge, and its backward passes against finite differences."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.testing import assert_close

from hepexp.models.layers import edge_steps
from hepexp.models.layers.edge_conv import EdgeConv
from hepexp.models.layers.edge_steps import JoinNodes, NormaliseAverage, NormaliseMultiply
from hepexp.models.layers.knn import nearest_neighbours
from tests.jets import random_jets


def graph(c: int = 5, k: int = 4):
    mask = random_jets(6, n_min=1, n_max=9).mask
    x = torch.randn(*mask.shape, c, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    return x, *nearest_neighbours(x, mask, k), mask


def written_out(layer: EdgeConv, x, index, is_neighbour, mask):
    """The same network on the list of real edges [x_i, x_j - x_i], with torch's own batch norm."""
    b, i, slot = is_neighbour.nonzero(as_tuple=True)
    own, other = x[b, i], x[b, index[b, i, slot]]
    edges = torch.cat([own, other - own], dim=-1)
    for linear, norm in zip(layer.linears, layer.norms, strict=True):
        edges = F.relu(torch_norm(norm)(linear(edges)))
    mean = x.new_zeros(*mask.shape, edges.shape[-1])
    mean.index_put_((b, i), edges / is_neighbour[b, i].sum(-1, keepdim=True), accumulate=True)
    if layer.skip == "concat":
        return torch.cat([x[mask], mean[mask]], dim=-1)
    shortcut = torch_norm(layer.shortcut_norm)(layer.shortcut(x[mask]))
    return F.relu(shortcut + mean[mask])


def torch_norm(norm) -> nn.BatchNorm1d:
    copy_of = nn.BatchNorm1d(norm.num_features, dtype=torch.float64)
    copy_of.load_state_dict(norm.state_dict())
    return copy_of.train(norm.training)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(("bias", "skip"), [(False, "sum"), (True, "concat")])
def test_agrees_with_the_formula_written_out(training, bias, skip):
    x, index, is_neighbour, mask = graph()
    layer = EdgeConv(5, 8, bias=bias, skip=skip).double()
    layer(x, index, is_neighbour, mask)  # running statistics that are not those of the start
    layer.train(training)
    expected = written_out(copy.deepcopy(layer), x, index, is_neighbour, mask)
    assert_close(layer(x, index, is_neighbour, mask)[mask], expected, rtol=0, atol=1e-12)


def test_the_size_of_the_pieces_changes_nothing(monkeypatch):
    x, index, is_neighbour, mask = graph()
    layer = EdgeConv(5, 8, bias=True, skip="sum").double()
    results = []
    for n_bytes in (1, 2**40):
        monkeypatch.setattr(edge_steps, "PIECE_BYTES", n_bytes)
        layer.zero_grad()
        out = layer(x, index, is_neighbour, mask)
        out.square().sum().backward()
        results.append([out.detach(), *(p.grad.clone() for p in layer.parameters())])
    for one_jet_at_a_time, whole_batch in zip(*results, strict=True):
        assert_close(one_jet_at_a_time, whole_batch, rtol=0, atol=1e-10)


def test_backward_passes_are_those_of_finite_differences(monkeypatch):
    monkeypatch.setattr(edge_steps, "PIECE_BYTES", 1)
    x, index, is_neighbour, _ = graph(c=3)
    w = is_neighbour.double()
    g = torch.Generator().manual_seed(1)

    def random(*shape):
        return torch.randn(*shape, dtype=torch.float64, generator=g).requires_grad_()

    z = random(*w.shape, 3)
    assert torch.autograd.gradcheck(lambda a, b: JoinNodes.apply(a, b, index, w), (random(*x.shape), random(*x.shape)))
    layer = (z, random(3), random(3), random(4, 3), random(4))
    assert torch.autograd.gradcheck(lambda *inputs: NormaliseMultiply.apply(*inputs, w), layer)
    assert torch.autograd.gradcheck(lambda *inputs: NormaliseAverage.apply(*inputs, w), (z, random(3), random(3)))
