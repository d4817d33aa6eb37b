"""Embeddings of the particles of a jet, and of their pairs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hepexp.exporting import applied, is_exported
from hepexp.models.layers.cache_blocking import linear
from hepexp.models.layers.edge_conv import affine
from hepexp.models.layers.edge_conv_steps import GELU, NONE, NormaliseMultiply
from hepexp.models.layers.fast_linear import Linear
from hepexp.models.layers.masked_batch_norm import MaskedBatchNorm
from hepexp.precision import full_precision

N_PAIR_FEATURES = 4
ROWS_AT_A_TIME = 1024  # of the pair embedding: a few tensors of them fit the cache of a core


class Embedding(nn.Module):
    """A batch norm over particles, then layers of [layer norm, linear, GELU]."""

    def __init__(self, n_in: int, widths: Sequence[int]):
        super().__init__()
        self.input_bn = MaskedBatchNorm(n_in)
        layers = [(nn.LayerNorm(n), Linear(n, m), nn.GELU()) for n, m in pairwise([n_in, *widths])]
        self.embed = nn.Sequential(*(module for layer in layers for module in layer))

    def forward(self, x: Tensor, weight: Tensor) -> Tensor:
        return self.embed(self.input_bn(x, weight))


class PairEmbedding(nn.Module):
    """A batch norm over pairs, then layers of [linear, batch norm, GELU]."""

    def __init__(self, widths: Sequence[int]):
        super().__init__()
        layers = [(nn.Linear(n, m), MaskedBatchNorm(m), nn.GELU()) for n, m in pairwise([N_PAIR_FEATURES, *widths])]
        first = MaskedBatchNorm(N_PAIR_FEATURES)
        self.embed = nn.Sequential(first, *(module for layer in layers for module in layer))

    def forward(self, x: Tensor, weight: Tensor, n_last: int = 1) -> list[Tensor]:
        """Outputs (P, width) of the last layers, for x (P, 4) and the weight (P,) of each pair in batch statistics."""
        if not self.training and not (torch.is_grad_enabled() and self.embed[0].weight.requires_grad):
            return self._without_statistics(x, n_last)
        w, bounds = weight[:, None], [*range(0, len(x), ROWS_AT_A_TIME), len(x)]
        norms = [layer for layer in self.embed if isinstance(layer, MaskedBatchNorm)]
        linears = [layer for layer in self.embed if isinstance(layer, nn.Linear)]
        with full_precision(x):
            z, moments, activation, layers = x[:, None], total_and_spread(x, weight), NONE, []
            for norm, layer in zip(norms, linears, strict=False):
                layers.append((z, *affine(norm, moments, w)))
                z, *moments = applied(NormaliseMultiply, *layers[-1], layer.weight, layer.bias, w, bounds, activation)
                activation = GELU
            layers.append((z, *affine(norms[-1], moments, w)))
            return [F.gelu(torch.addcmul(shift, z[:, 0], scale)) for z, scale, shift in layers[-n_last:]]

    def _without_statistics(self, x: Tensor, n_last: int) -> list[Tensor]:
        """The same in evaluation: a batch norm is then a factor and a shift, and part of a linear layer."""
        norms = [layer.affine(None) for layer in self.embed if isinstance(layer, MaskedBatchNorm)]
        linears = [layer for layer in self.embed if isinstance(layer, nn.Linear)]
        scale, shift = norms[0]
        x = torch.addcmul(shift, x, scale)
        folded = [
            (layer.weight * scale[:, None], torch.addcmul(shift, layer.bias, scale))
            for layer, (scale, shift) in zip(linears, norms[1:], strict=True)
        ]
        with full_precision(x):
            found = []
            for rows in [x] if is_exported() else x.split(ROWS_AT_A_TIME):
                outputs = []
                for weight, bias in folded:
                    rows = F.gelu(linear(rows, weight, bias))
                    outputs.append(rows)
                found.append(outputs[-n_last:])
            return [torch.cat(layer) for layer in zip(*found, strict=True)]


def total_and_spread(x: Tensor, weight: Tensor) -> list[Tensor]:
    """sum w x and sum w (x - mean)^2 of x (P, C)."""
    total = weight @ x
    return [total, weight @ (x - total / weight.sum().clamp(min=1)).square()]
