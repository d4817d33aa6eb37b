"""Circular harmonics on the pixels of a kernel."""

from __future__ import annotations

import torch
from torch import Tensor


def circular_harmonic(size: int, radius: float, width: float, frequency: int) -> Tensor:
    """R(r) e^{i k phi}, (size, size) complex128, with a Gaussian profile R; zero at the centre unless k is 0.

    phi is counter-clockwise from the vertical. A rotation by 90 degrees moves pixels to pixels and multiplies it by i^k
    to all digits.

    Parameters
    ----------
    size : rows and columns, odd.
    radius, width : mean and standard deviation of the Gaussian, in pixels.
    frequency : k.
    """
    axis = torch.arange(size, dtype=torch.float64) - size // 2
    x, y = axis.expand(size, size), -axis[:, None].expand(size, size)
    r = torch.hypot(x, y)
    profile = torch.exp(-(((r - radius) / width) ** 2) / 2)
    direction = torch.complex(y, -x) / r.clamp(min=1)  # e^{i phi}
    power = torch.ones_like(direction)
    for _ in range(abs(frequency)):
        power = power * (direction if frequency > 0 else direction.conj())
    return profile * power
