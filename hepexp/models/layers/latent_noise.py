"""What generators make examples of."""

from __future__ import annotations

import torch
from torch import Tensor


def standard_normal(
    shape: tuple[int, ...], device: torch.device, dtype: torch.dtype, random: torch.Generator | None
) -> Tensor:
    """Standard normal numbers on a device.

    Parameters
    ----------
    random : generator of the CPU, for the same numbers on every device; None draws them on the device.
    """
    drawn_on = device if random is None else torch.device("cpu")
    return torch.randn(shape, generator=random, device=drawn_on, dtype=dtype).to(device)
