"""Layers that compute in steps of their own, in plain torch: what explains a network must see each product."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import MethodType

import torch.nn.functional as F
from torch import Tensor, nn

from hepexp.models.layers.edge_conv import EdgeConv, mean_weights
from hepexp.models.layers.knn_graph import Graph
from hepexp.models.layers.lorentz_block import LorentzBlock
from hepexp.models.layers.lorentz_kernel.block import FusedLorentzBlock


def mean_over_edges(conv: EdgeConv, x: Tensor, graph: Graph) -> Tensor:
    """mean_j Theta(x_i, x_j - x_i) of `EdgeConv`, (R, n_in) -> (R, n_out)."""
    first, *others = conv.linears
    w = graph.is_neighbour.to(x.dtype)
    of_self, of_difference = first.weight.chunk(2, dim=1)
    own, other = F.linear(x, of_self - of_difference, first.bias), F.linear(x, of_difference)
    z = own[:, None] + other[graph.neighbours]  # (R, K, n_out)
    for norm, linear in zip(conv.norms, others, strict=False):
        z = linear(F.relu(norm(z, w)))
    return (F.relu(conv.norms[-1](z, w)) * mean_weights(w)[..., None]).sum(1)


PLAIN: tuple[tuple[type[nn.Module], str, Callable], ...] = (
    (FusedLorentzBlock, "forward", LorentzBlock.forward),
    (EdgeConv, "_mean_over_edges", mean_over_edges),
)


@contextmanager
def in_plain_form(model: nn.Module) -> Iterator[None]:
    """The layers of a model compute, with the same result to rounding, in functions of torch alone."""
    changed = []
    for module in model.modules():
        for kind, name, function in PLAIN:
            if isinstance(module, kind):
                setattr(module, name, MethodType(function, module))
                changed.append((module, name))
    try:
        yield
    finally:
        for module, name in changed:
            delattr(module, name)
