"""Graph convolutions of torch-geometric, by the names of their papers.

Each is called with nodes x (M, F) and edges (2, E), from source to target, and returns nodes (M, F').
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch_geometric.nn import GATConv, GCNConv, GINConv, SAGEConv

from hepexp.errors import ConfigError


class WithSelfLoops(nn.Module):
    """A convolution on the graph with a self-loop added to each node; the graph must not have any.

    The convolutions of torch-geometric would search for self-loops, which waits for the device and is impossible on the
    meta device, where operations are counted.
    """

    def __init__(self, conv: nn.Module) -> None:
        super().__init__()
        self.conv = conv

    def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:
        node = torch.arange(len(x), device=x.device)
        return self.conv(x, torch.cat([edge_index, node.expand(2, -1)], dim=1))


def gcn(n_in: int, n_out: int) -> nn.Module:
    """x_i' = W sum_j x_j / sqrt(d_i d_j) + b over neighbours and i itself (arXiv:1609.02907, equation 2)."""
    return WithSelfLoops(GCNConv(n_in, n_out, add_self_loops=False))


def gat(n_in: int, n_out: int) -> nn.Module:
    """x_i' = sum_j a_ij W x_j + b, attention a_ij over neighbours and i itself; one head (arXiv:1710.10903)."""
    return WithSelfLoops(GATConv(n_in, n_out, heads=1, add_self_loops=False))


def sage(n_in: int, n_out: int) -> nn.Module:
    """x_i' = W_1 x_i + W_2 mean_j x_j + b over neighbours (arXiv:1706.02216, without its normalisation)."""
    return SAGEConv(n_in, n_out)


def gin(n_in: int, n_out: int) -> nn.Module:
    """x_i' = MLP(x_i + sum_j x_j) over neighbours, with one hidden layer of n_out (arXiv:1810.00826, equation 4.1)."""
    return GINConv(nn.Sequential(nn.Linear(n_in, n_out), nn.ReLU(), nn.Linear(n_out, n_out)))


CONVOLUTIONS: dict[str, Callable[[int, int], nn.Module]] = {"gcn": gcn, "gat": gat, "sage": sage, "gin": gin}


def convolution(name: str) -> Callable[[int, int], nn.Module]:
    """The convolution of this name, to be called with the numbers of inputs and outputs.

    Raises
    ------
    ConfigError : there is no convolution of this name.
    """
    if name not in CONVOLUTIONS:
        raise ConfigError(f"model.conv must be one of {', '.join(CONVOLUTIONS)}, got {name!r}")
    return CONVOLUTIONS[name]
