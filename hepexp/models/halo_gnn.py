"""Halo graph network: one edge convolution over the galaxies of a halo, and what is pooled of them."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch_geometric.nn import EdgeConv, global_add_pool, global_max_pool, global_mean_pool

from hepexp.batch import GraphBatch
from hepexp.models.checks import require_positive
from hepexp.models.layers.dense import dense
from hepexp.models.weights import load_weights


class HaloGNN(nn.Module):
    """x'_i = ReLU max_j phi(x_i, x_j - x_i) over the neighbours j, then psi(sum_i x'_i, mean_i x'_i, max_i x'_i, u).

    phi and psi have two hidden layers with ReLU. A node without neighbours has x' = 0. The features u are those of the
    whole graph, `batch.extras`: of a halo the number of its galaxies and the logarithm of their stellar mass.

    Parameters
    ----------
    n_hidden : width of the hidden layers of phi.
    n_latent : features of a node after the convolution, and width of the hidden layers of psi.
    weights : what to start from: a run, models:/NAME@ALIAS, or a file with a state dict.
    n_node_features : features of each node in the data set.
    n_extras : additional variables of an example, u.
    n_classes : number of outputs: classes of the data set, or what a loss of regression needs.

    Shapes
    ------
    x (M, n_node_features); edge_index (2, E); graph (M,), the graph of each node; extras (B, n_extras)
    -> outputs (B, n_classes).

    Raises
    ------
    ConfigError : a size below 1.

    References
    ----------
    P. Villanueva-Domingo et al., arXiv:2111.08683; Y. Wang et al., arXiv:1801.07829 (edge convolutions).
    """

    input = "graph"
    head = "psi"
    lorentz_invariant = False

    def __init__(
        self,
        n_hidden: int = 300,
        n_latent: int = 100,
        weights: str | None = None,
        *,
        n_node_features: int,
        n_extras: int,
        n_classes: int,
    ):
        super().__init__()
        require_positive(n_hidden=n_hidden, n_latent=n_latent)
        self.phi = EdgeConv(dense(2 * n_node_features, [n_hidden, n_hidden], n_latent, nn.ReLU), aggr="max")
        self.psi = dense(3 * n_latent + n_extras, [n_latent, n_latent], n_classes, nn.ReLU)
        load_weights(self, weights)

    def forward(self, batch: GraphBatch) -> Tensor:
        dtype, n = next(self.psi.parameters()).dtype, len(batch)
        x = self.phi(batch.x.to(dtype), batch.edge_index).relu()  # (M, n_latent)
        pooled = [pool(x, batch.graph, size=n) for pool in (global_add_pool, global_mean_pool, global_max_pool)]
        return self.psi(torch.cat([*pooled, batch.extras.to(dtype)], dim=1))
