"""PELICAN as its equations are written: all 15 maps of every pair in memory, then one sum over maps and channels.

The reference for speed and for numerical agreement. On padded batches, as the authors do it.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hepexp.batch import JetBatch
from hepexp.models.layers.permutation_equivariant import Eq1to2
from hepexp.models.pelican import AVERAGE, PELICAN, Messages


def fifteen_maps(x: Tensor, n: Tensor, alpha: Tensor) -> Tensor:
    """All maps of pairs to pairs, x (B, C, N, N) -> (B, C, 15, N, N); n (B,), alpha (C, 10)."""
    places = x.shape[-1]

    def everywhere(v: Tensor) -> Tensor:
        return v[..., None, None].expand(*v.shape, places, places)

    def over_rows(v: Tensor) -> Tensor:  # v_j
        return v[..., None, :].expand(*v.shape, places)

    def over_columns(v: Tensor) -> Tensor:  # v_i
        return v[..., None].expand(*v.shape, places)

    diagonal, size = x.diagonal(dim1=-2, dim2=-1), n[:, None, None]
    columns, rows = x.sum(-2) / size, x.sum(-1) / size
    trace, total = diagonal.sum(-1) / size[..., 0], x.sum((-2, -1)) / size[..., 0] ** 2
    kept = [x, x.mT, torch.diag_embed(diagonal), over_rows(diagonal), over_columns(diagonal)]
    means = [
        torch.diag_embed(columns),
        over_rows(columns),
        over_columns(columns),
        torch.diag_embed(rows),
        over_rows(rows),
        over_columns(rows),
        everywhere(trace),
        torch.diag_embed(trace[..., None].expand_as(diagonal)),
        everywhere(total),
        torch.diag_embed(total[..., None].expand_as(diagonal)),
    ]
    scale = (n[:, None, None] / AVERAGE) ** alpha
    return torch.cat([torch.stack(kept, dim=2), torch.stack(means, dim=2) * scale[..., None, None]], dim=2)


class StackedPELICAN(nn.Module):
    """The function of a PELICAN model with its own parameters; in training, with dropout of its own."""

    def __init__(self, model: PELICAN):
        super().__init__()
        self.model = model

    def forward(self, batch: JetBatch) -> Tensor:
        model, dtype = self.model, self.model.classifier.weight.dtype
        batch = model.breaking(batch)
        mask = batch.mask
        p4 = torch.where(mask[..., None], batch.p4, 0)
        n = mask.sum(1).clamp(min=1).to(dtype)
        pair = mask[:, :, None] & mask[:, None]
        real = pair[..., None].to(dtype)
        metric = torch.tensor([1.0, -1.0, -1.0, -1.0], dtype=p4.dtype)
        dots = ((p4 * metric) @ p4.mT).to(dtype)
        x = model.embedding(dots.flatten()).unflatten(0, dots.shape)  # (B, N, N, C)
        if model.of_scalars is not None:
            found = self._of_scalars(model.of_scalars, batch.scalars.to(dtype) * mask[..., None], n)
            x = torch.cat([x, found], dim=-1)
        for message, block in zip(model.messages, model.blocks, strict=False):
            x = self._message(message, x, real).movedim(-1, 1)  # (B, C, N, N)
            maps = fifteen_maps(x, n, block.alpha)
            x = torch.einsum("bsd,ndbij->nijs", block.weights(), maps) + block.bias
            x = x + torch.eye(x.shape[1], dtype=dtype)[..., None] * block.diagonal_bias
            x = F.leaky_relu(x) * real
        x = self._message(model.messages[-1], x, real)
        means = [x.sum((1, 2)) / n[:, None] ** 2, x.diagonal(dim1=1, dim2=2).sum(-1) / n[:, None]]
        scale = (n[:, None, None] / AVERAGE) ** model.out.alpha
        both = F.leaky_relu(torch.stack(means, dim=-1) * scale)  # (B, C, 2)
        x = torch.einsum("bsd,ndb->ns", model.out.weight, both) + model.out.bias
        return model.classifier(model.dropout(x))

    def _message(self, layer: Messages, x: Tensor, real: Tensor) -> Tensor:
        x = layer.norm(F.leaky_relu(layer.linear(x)), real[..., 0])
        return layer.dropout(x * real)

    def _of_scalars(self, layer: Eq1to2, x: Tensor, n: Tensor) -> Tensor:
        places = x.shape[1]
        mean = (x.sum(1) / n[:, None])[:, None].expand_as(x)
        maps = [
            torch.diag_embed(x.mT).movedim(1, -1),
            x[:, None].expand(-1, places, -1, -1),
            x[:, :, None].expand(-1, -1, places, -1),
            torch.diag_embed(mean.mT).movedim(1, -1),
            mean[:, None].expand(-1, places, -1, -1),
        ]
        scale = (n[:, None, None] / AVERAGE) ** layer.alpha  # (B, C, 5)
        scaled = torch.stack(maps, dim=-1) * scale[:, None, None]
        return F.leaky_relu(torch.einsum("bsd,nijdb->nijs", layer.weight, scaled) + layer.bias)
