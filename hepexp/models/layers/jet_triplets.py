"""The triplets of jets that can stem from a top: two from the W, in no order, and one from the bottom quark."""

from __future__ import annotations

import torch
from torch import Tensor

from hepexp.memory import require


def triplets(mask: Tensor) -> Tensor:
    """Which (i, j, k) are three different jets with i < j: mask (B, N), True for real jets -> (B, N, N, N) bool."""
    n = mask.shape[1]
    place = torch.arange(n, device=mask.device)
    i, j, k = place[:, None, None], place[:, None], place
    different = (i < j) & (i != k) & (j != k)
    return different & mask[:, :, None, None] & mask[:, None, :, None] & mask[:, None, None, :]


def require_triplet_memory(mask: Tensor, kept: int, dtype: torch.dtype) -> None:
    """Refuse a batch of which the triplets do not fit into memory.

    Parameters
    ----------
    mask : (B, N).
    kept : numbers that are kept for each triplet.

    Raises
    ------
    ConfigError : says how much memory it would need.
    """
    n_events, n = mask.shape
    require(
        n_events * n**3 * kept * dtype.itemsize,
        f"a batch of {n_events:,} events with {n:,} jets, {n}^3 triplets each",
        "choose fewer jets with dataset.n_particles, or a smaller dataset.batch_size",
    )
