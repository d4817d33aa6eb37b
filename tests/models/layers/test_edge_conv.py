"""EdgeConv against its formula written out edge by edge, and its backward passes against finite differences."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.testing import assert_close

from hepexp.models.layers import edge_conv_steps
from hepexp.models.layers.edge_conv import EdgeConv
from hepexp.models.layers.edge_conv_steps import JoinNodes, NormaliseAverage, NormaliseMultiply
from hepexp.models.layers.knn_graph import Graph, ParticleRows
from tests.jets import random_jets


def rows_and_graph(c: int = 5, k: int = 4, packed: bool = True) -> tuple[torch.Tensor, Graph]:
    mask = random_jets(6, n_min=1, n_max=9).mask
    x = torch.randn(*mask.shape, c, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    rows = ParticleRows(mask, packed)
    x = rows.pack(x)
    return x, rows.graph(x, k)


def written_out(layer: EdgeConv, x: torch.Tensor, graph: Graph) -> torch.Tensor:
    """The same network on the list of real edges [x_i, x_j - x_i], with torch's own batch norm."""
    i, slot = graph.is_neighbour.nonzero(as_tuple=True)
    other = x[graph.neighbours[i, slot]]
    edges = torch.cat([x[i], other - x[i]], dim=-1)
    for linear, norm in zip(layer.linears, layer.norms, strict=True):
        edges = F.relu(torch_norm(norm)(linear(edges)))
    mean = x.new_zeros(len(x), edges.shape[-1])
    mean.index_put_((i,), edges / graph.is_neighbour[i].sum(-1, keepdim=True), accumulate=True)
    if layer.skip == "concat":
        return torch.cat([x, mean], dim=-1)
    return F.relu(torch_norm(layer.shortcut_norm)(layer.shortcut(x)) + mean)


def torch_norm(norm) -> nn.BatchNorm1d:
    copy_of = nn.BatchNorm1d(norm.num_features, dtype=torch.float64)
    copy_of.load_state_dict(norm.state_dict())
    return copy_of.train(norm.training)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(("bias", "skip"), [(False, "sum"), (True, "concat")])
def test_agrees_with_the_formula_written_out(training, bias, skip):
    x, graph = rows_and_graph()
    layer = EdgeConv(5, 8, bias=bias, skip=skip).double()
    layer(x, graph)  # running statistics that are not those of the start
    layer.train(training)
    expected = written_out(copy.deepcopy(layer), x, graph)
    assert_close(layer(x, graph), expected, rtol=0, atol=1e-12)


def test_rows_with_padding_give_the_same_as_real_particles_alone():
    """The form for a GPU, where real particles cannot be counted without waiting for it."""
    results = []
    for packed in (True, False):
        torch.manual_seed(0)
        layer = EdgeConv(5, 8, bias=False, skip="sum").double()
        x, graph = rows_and_graph(packed=packed)
        real = slice(None) if packed else graph.mask
        layer(x, graph)[real].square().sum().backward()
        results.append([layer(x, graph)[real].detach(), *(p.grad for p in layer.parameters())])
    for packed, padded in zip(*results, strict=True):
        assert_close(packed, padded, rtol=0, atol=1e-10)


def test_the_size_of_the_pieces_changes_nothing(monkeypatch):
    x, graph = rows_and_graph()
    layer = EdgeConv(5, 8, bias=True, skip="sum").double()
    results = []
    for n_bytes in (1, 2**40):
        monkeypatch.setattr(edge_conv_steps, "PIECE_BYTES", n_bytes)
        layer.zero_grad()
        out = layer(x, graph)
        out.square().sum().backward()
        results.append([out.detach(), *(p.grad.clone() for p in layer.parameters())])
    for one_jet_at_a_time, whole_batch in zip(*results, strict=True):
        assert_close(one_jet_at_a_time, whole_batch, rtol=0, atol=1e-10)


def test_pieces_are_whole_jets_and_all_of_them(monkeypatch):
    z = torch.zeros(12, 2, 4)
    monkeypatch.setattr(edge_conv_steps, "PIECE_BYTES", 5 * 2 * 4 * 4)  # five rows
    pieces = edge_conv_steps.pieces(z, [0, 2, 5, 6, 6, 12])
    assert [(piece.start, piece.stop) for piece in pieces] == [(0, 5), (5, 6), (6, 12)]


def test_backward_passes_are_those_of_finite_differences(monkeypatch):
    monkeypatch.setattr(edge_conv_steps, "PIECE_BYTES", 1)
    x, graph = rows_and_graph(c=3)
    w, bounds = graph.is_neighbour.double(), graph.bounds
    g = torch.Generator().manual_seed(1)

    def random(*shape):
        return torch.randn(*shape, dtype=torch.float64, generator=g).requires_grad_()

    def join(own, other):
        return JoinNodes.apply(own, other, graph.neighbours, w, bounds)

    z = random(*w.shape, 3)
    layer = (z, random(3), random(3), random(4, 3), random(4))
    assert torch.autograd.gradcheck(join, (random(*x.shape), random(*x.shape)))
    assert torch.autograd.gradcheck(lambda *inputs: NormaliseMultiply.apply(*inputs, w, bounds), layer)
    assert torch.autograd.gradcheck(lambda *inputs: NormaliseAverage.apply(*inputs, w, bounds), layer[:3])
