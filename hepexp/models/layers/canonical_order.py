"""A canonical order for the particles of a jet, whatever order they came in."""

from __future__ import annotations

import torch
from torch import Tensor


def canonical_order(p4: Tensor, mask: Tensor) -> Tensor:
    """Indices that sort particles by decreasing energy, ties by px, py, pz; padding last.

    A model that breaks ties by position (nearest neighbours on a grid of pixels are full of ties) does not depend on
    the order of the particles if it sorts them first.

    Parameters
    ----------
    p4 : (B, N, 4) four-momenta (E, px, py, pz), GeV.
    mask : (B, N) True for real particles.

    Returns
    -------
    Tensor, shape (B, N), int64.
    """
    order = torch.arange(p4.shape[1], device=p4.device).expand(mask.shape)
    keys = torch.where(mask[..., None], p4, -torch.inf)
    for component in (3, 2, 1, 0):  # stable sorts from the least significant key to the most
        key = keys[..., component].gather(1, order)
        order = order.gather(1, key.argsort(dim=1, descending=True, stable=True))
    return order


def reorder(x: Tensor, order: Tensor) -> Tensor:
    """x (B, N, ...) with its particles in the given order (B, N)."""
    return x.gather(1, order.reshape(order.shape + (1,) * (x.ndim - 2)).expand(x.shape))
