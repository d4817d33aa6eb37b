"""The time of a flow as features of a network."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def time_features(t: Tensor, n_frequencies: int) -> Tensor:
    """cos and sin (B, 2 n_frequencies) of k pi t, k = 1 ... n_frequencies, of times t (B,)."""
    k = torch.arange(1, n_frequencies + 1, device=t.device, dtype=t.dtype)
    phase = math.pi * t[:, None] * k
    return torch.cat([phase.cos(), phase.sin()], dim=1)
