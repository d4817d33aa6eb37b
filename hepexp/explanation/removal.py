"""Examples without some of their elements."""

from __future__ import annotations

from dataclasses import replace
from functools import singledispatch

import torch
from torch import Tensor

from hepexp.batch import Batch, FeatureBatch, GraphBatch, ImageBatch, JetBatch


@singledispatch
def without(batch: Batch, keep: Tensor, empty: Tensor | float = 0.0) -> Batch:
    """The batch with those elements that are to be kept.

    Particles and nodes are left out, with the edges of the nodes. Pixels become empty, and features zero, which is
    their mean where they are standardised.

    Parameters
    ----------
    keep : (B, N) bool; N is the number of pixels of an image, whatever its channels.
    empty : (C, 1, 1) value of an empty pixel.
    """
    raise TypeError(f"{type(batch).__name__} has no elements to remove")


@without.register
def _(batch: JetBatch, keep: Tensor, empty: Tensor | float = 0.0) -> JetBatch:
    keep = keep & batch.mask
    order = torch.argsort(~keep, dim=1, stable=True)[:, : int(keep.sum(1).max())]
    kept = keep.gather(1, order)

    def taken(x: Tensor) -> Tensor:
        return x.gather(1, order[..., None].expand(-1, -1, x.shape[-1])) * kept[..., None]

    return replace(batch, p4=taken(batch.p4), scalars=taken(batch.scalars), mask=kept)


@without.register
def _(batch: GraphBatch, keep: Tensor, empty: Tensor | float = 0.0) -> GraphBatch:
    kept = keep.flatten()
    number = kept.cumsum(0) - 1
    edges = batch.edge_index[:, kept[batch.edge_index].all(0)]
    return replace(batch, x=batch.x[kept], edge_index=number[edges], graph=batch.graph[kept])


@without.register
def _(batch: ImageBatch, keep: Tensor, empty: Tensor | float = 0.0) -> ImageBatch:
    keep = keep.view(len(batch), 1, *batch.image.shape[2:])
    return replace(batch, image=torch.where(keep, batch.image, torch.as_tensor(empty, dtype=batch.image.dtype)))


@without.register
def _(batch: FeatureBatch, keep: Tensor, empty: Tensor | float = 0.0) -> FeatureBatch:
    return replace(batch, features=batch.features * keep)
