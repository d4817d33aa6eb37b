"""MLPF: the particle of each track and tower of an event, by a graph network of linear cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hepexp.batch import JetBatch
from hepexp.errors import ConfigError
from hepexp.models.checks import require_dropout, require_positive
from hepexp.models.layers.dense import dense
from hepexp.models.layers.flow_elements import (
    FEATURES,
    N_LOGITS,
    N_MOMENTUM,
    check_features,
    compressed,
    momentum_of,
)
from hepexp.models.layers.hashed_bins import BinnedGraph, HashedGraph
from hepexp.models.weights import load_weights


class GHConv(nn.Module):
    """ELU(g D^-1/2 A D^-1/2 x theta + (1 - g) x W_h), g = sigma(x W_t + b): a gate between neighbours and itself."""

    def __init__(self, n: int):
        super().__init__()
        self.theta, self.w_h = nn.Linear(n, n, bias=False), nn.Linear(n, n, bias=False)
        self.w_t = nn.Linear(n, n)

    def forward(self, x: Tensor, graph: BinnedGraph) -> Tensor:
        g = self.w_t(x).sigmoid()
        return F.elu(g * graph.propagate(self.theta(x)) + (1 - g) * self.w_h(x))


class HashLayer(nn.Module):
    """A graph of the elements, and graph convolutions over it."""

    def __init__(self, n: int, n_distance: int, bin_size: int, k: int, n_convs: int):
        super().__init__()
        self.graph = HashedGraph(n, n_distance, bin_size, k)
        self.convs = nn.ModuleList(GHConv(n) for _ in range(n_convs))

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        graph = self.graph(x, mask)
        for conv in self.convs:
            x = conv(x, graph)
        return x


class LinearAttention(nn.Module):
    """phi(q) sum_j phi(k_j) v_j^T / phi(q) sum_j phi(k_j), phi = ELU + 1, in each head, and an MLP; both are added.

    References
    ----------
    A. Katharopoulos et al., arXiv:2006.16236.
    """

    def __init__(self, n: int, n_heads: int):
        super().__init__()
        self.n_heads = n_heads
        self.norm, self.second_norm = nn.LayerNorm(n), nn.LayerNorm(n)
        self.query_key_value, self.out = nn.Linear(n, 3 * n), nn.Linear(n, n)
        self.mlp = dense(n, [n], n, nn.ELU)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        q, k, v = (
            part.unflatten(-1, (self.n_heads, -1)).transpose(1, 2)
            for part in self.query_key_value(self.norm(x)).chunk(3, -1)
        )  # (B, heads, N, n / heads)
        q, k = F.elu(q) + 1, (F.elu(k) + 1) * mask[:, None, :, None]
        total = (q @ k.sum(2)[..., None]).clamp(min=torch.finfo(x.dtype).tiny)
        found = q @ (k.mT @ v) / total
        x = x + self.out(found.transpose(1, 2).flatten(2))
        return x + self.mlp(self.second_norm(x))


class MLPF(nn.Module):
    """Elements are encoded; one branch gives class and charge; a second branch, which also reads the logits, gives the
    momentum.

    Between an encoding and an output, each branch has layers over all elements of an event. With `hash` a layer builds
    a graph in bins of elements with like features (see `HashedGraph`) and has gated graph convolutions over it; with
    `linear_attention` it is a transformer's layer whose cost is linear, too.

    Energies are read as ln(1 + E / GeV). The momentum is that of the element, corrected by pT e^a, eta + b, sin phi +
    c, cos phi + d and E e^(a + e); untrained networks correct nothing.

    Parameters
    ----------
    graph : hash or linear_attention.
    n_hidden : width of all layers.
    n_layers : layers over the elements in each branch.
    n_convs, bin_size, k, n_distance : of `hash`: convolutions over each graph; elements of a bin; neighbours; learnt
        coordinates.
    n_heads : of `linear_attention`.
    dropout : before the outputs.
    weights : what to start from: a run, models:/NAME@ALIAS, or a file with a state dict.
    scalar_names : of the scalars of an element, which must be those of tracks and towers.

    Shapes
    ------
    scalars (B, N, 13); mask (B, N), True for real elements, which come first -> (B, N, 12): 6 logits, charge, pT [GeV],
    eta, sin phi, cos phi, E [GeV].

    Raises
    ------
    ConfigError : a size below 1, heads that do not divide the width, more neighbours than a bin has elements, an
        unknown graph, or other data.

    References
    ----------
    J. Pata et al., arXiv:2101.08578, section 4.
    """

    input = "particles"
    lorentz_invariant = False

    def __init__(
        self,
        graph: Literal["hash", "linear_attention"] = "hash",
        n_hidden: int = 256,
        n_layers: int = 1,
        n_convs: int = 2,
        bin_size: int = 128,
        k: int = 16,
        n_distance: int = 32,
        n_heads: int = 8,
        dropout: float = 0.0,
        weights: str | None = None,
        *,
        scalar_names: Sequence[str],
    ):
        super().__init__()
        check_features("mlpf", scalar_names)
        sizes = {"n_hidden": n_hidden, "n_layers": n_layers, "n_convs": n_convs, "bin_size": bin_size, "k": k}
        require_positive(**sizes, n_distance=n_distance, n_heads=n_heads)
        require_dropout(dropout)
        if graph not in ("hash", "linear_attention"):
            raise ConfigError(f"model.graph must be hash or linear_attention, got {graph!r}")
        if graph == "linear_attention" and n_hidden % n_heads:
            raise ConfigError(f"model.n_heads must divide model.n_hidden={n_hidden}, got {n_heads}")
        if graph == "hash" and k > bin_size:
            raise ConfigError(f"model.k must be <= model.bin_size={bin_size}, in which neighbours are, got {k}")

        def layer() -> nn.Module:
            if graph == "linear_attention":
                return LinearAttention(n_hidden, n_heads)
            return HashLayer(n_hidden, n_distance, bin_size, k, n_convs)

        n_classified = N_LOGITS + 1
        self.encoder = dense(len(FEATURES), [n_hidden], n_hidden, nn.ELU)
        self.classifying = nn.ModuleList(layer() for _ in range(n_layers))
        self.classifier = dense(n_hidden, [n_hidden], n_classified, nn.ELU, dropout)
        self.second_encoder = dense(n_hidden + n_classified, [n_hidden], n_hidden, nn.ELU)
        self.regressing = nn.ModuleList(layer() for _ in range(n_layers))
        self.regressor = dense(n_hidden, [n_hidden], N_MOMENTUM, nn.ELU, dropout)
        for parameter in self.regressor[-1].parameters():
            nn.init.zeros_(parameter)
        load_weights(self, weights)

    def forward(self, batch: JetBatch) -> Tensor:
        scalars, mask = batch.scalars.to(next(self.encoder.parameters()).dtype), batch.mask
        encoded = x = self.encoder(compressed(scalars))
        for layer in self.classifying:
            x = layer(x, mask)
        classified = self.classifier(x)
        x = self.second_encoder(torch.cat([encoded, classified], -1))
        for layer in self.regressing:
            x = layer(x, mask)
        momentum = momentum_of(batch.scalars, self.regressor(x))
        return torch.cat([classified.to(momentum.dtype), momentum], -1)
