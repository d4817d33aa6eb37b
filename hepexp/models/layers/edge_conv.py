"""EdgeConv: a network on the edges to the nearest neighbours, averaged over them."""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hepexp.exporting import applied
from hepexp.models.layers.edge_conv_steps import JoinNodes, NormaliseAverage, NormaliseMultiply
from hepexp.models.layers.knn_graph import Graph
from hepexp.models.layers.masked_batch_norm import MaskedBatchNorm, sum_over_ranks
from hepexp.module_list import ModuleList
from hepexp.precision import full_precision


class EdgeConv(nn.Module):
    """x_i' = skip(x_i, mean_j Theta(x_i, x_j - x_i)) over the neighbours j of i.

    Theta is `n_layers` times [linear, batch norm, ReLU]. Its first linear layer is evaluated per particle and not
    per edge: W [x_i, x_j - x_i] = (W_1 - W_2) x_i + W_2 x_j.

    Parameters
    ----------
    n_in : features of a particle.
    n_out : width of all layers.
    bias : whether the linear layers have a bias; the batch norm that follows cancels it in training.
    skip : "sum" adds x_i (through a linear layer and batch norm if its width differs) and applies a ReLU,
        "concat" puts x_i before the mean, "none" returns the mean alone.
    n_layers : of Theta, two or more.

    Shapes
    ------
    x (R, n_in), a graph of K neighbours for each row -> (R, self.n_out), finite but meaningless for padding.

    References
    ----------
    Wang et al., arXiv:1801.07829, section 3.1; Qu and Gouskos, arXiv:1902.08570, section 3.1 and figure 1.
    """

    def __init__(self, n_in: int, n_out: int, bias: bool, skip: Literal["sum", "concat", "none"], n_layers: int = 3):
        super().__init__()
        self.n_out = n_in + n_out if skip == "concat" else n_out
        self.skip = skip
        self.linears = ModuleList(nn.Linear(n, n_out, bias=bias) for n in (2 * n_in, *[n_out] * (n_layers - 1)))
        self.norms = ModuleList(MaskedBatchNorm(n_out) for _ in self.linears)
        if skip == "sum" and n_in != n_out:
            self.shortcut = nn.Linear(n_in, n_out, bias=False)
            self.shortcut_norm = MaskedBatchNorm(n_out)

    def forward(self, x: Tensor, graph: Graph) -> Tensor:
        mean = self._mean_over_edges(x, graph)
        if self.skip == "concat":
            return torch.cat([x, mean], dim=-1)
        if self.skip == "none":
            return mean
        if hasattr(self, "shortcut"):
            x = self.shortcut_norm(self.shortcut(x), graph.mask)
        return F.relu(x + mean)

    def _mean_over_edges(self, x: Tensor, graph: Graph) -> Tensor:
        with full_precision(x):
            first, *others = self.linears
            x = x.to(first.weight.dtype)
            w, bounds = graph.is_neighbour.to(x.dtype), graph.bounds
            of_self, of_difference = first.weight.chunk(2, dim=1)
            own, other = F.linear(x, of_self - of_difference, first.bias), F.linear(x, of_difference)
            z, *moments = applied(JoinNodes, own, other, graph.neighbours, w, bounds)  # z (R, K, n_out)
            for norm, linear in zip(self.norms, others, strict=False):
                scale, shift = affine(norm, moments, w)
                z, *moments = applied(NormaliseMultiply, z, scale, shift, linear.weight, linear.bias, w, bounds)
            return applied(NormaliseAverage, z, *affine(self.norms[-1], moments, w), mean_weights(w), bounds)


def affine(norm: MaskedBatchNorm, moments: list[Tensor], w: Tensor) -> tuple[Tensor, Tensor]:
    """Scale and shift of a batch norm from the total and spread of its input on this rank."""
    if not norm.training:
        return norm.affine(None)
    total, spread = moments
    here = w.sum()
    count = sum_over_ranks(here).clamp(min=1)
    mean = sum_over_ranks(total) / count
    # Spread about the mean of all ranks: that about this rank's own mean, and the distance between the two.
    var = sum_over_ranks(spread + here * (total / here.clamp(min=1) - mean).square()) / count
    return norm.affine((mean, var, count))


def mean_weights(w: Tensor) -> Tensor:
    """Weights along the last axis that give the mean over entries with w (...) = 1; zero if there are none."""
    return w / w.sum(-1, keepdim=True).clamp(min=1)
