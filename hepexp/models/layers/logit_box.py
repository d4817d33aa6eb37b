"""Variables with limits as variables without: what a normalising flow reads."""

from __future__ import annotations

import torch
from torch import Tensor, nn

_MARGIN = 0.01  # of the range that was seen, on either side
_EDGE = 1e-6  # of the box, within which a value is taken to be


class LogitBox(nn.Module):
    """v = (logit(u) - m) / s with u = (x - low) / (high - low), and m, s of the values that were seen.

    The box is 1 % of their range wider than these on either side; what is outside is moved to its edge.

    Parameters
    ----------
    n : number of variables.

    References
    ----------
    A. Hallin et al., arXiv:2109.00546, section III (logit, then standardisation, of the inputs of CATHODE's flow).
    """

    low: Tensor
    high: Tensor
    mean: Tensor
    std: Tensor

    def __init__(self, n: int) -> None:
        super().__init__()
        for name, value in (("low", 0.0), ("high", 1.0), ("mean", 0.0), ("std", 1.0)):
            self.register_buffer(name, torch.full((n,), value))

    def take(self, x: Tensor) -> None:
        """Take limits and scales from values (N, n)."""
        low, high = x.min(0).values, x.max(0).values
        margin = _MARGIN * torch.where(high > low, high - low, 1.0)
        self.low.copy_(low - margin)
        self.high.copy_(high + margin)
        v = torch.logit(self._share(x))
        self.mean.copy_(v.mean(0))
        self.std.copy_(v.std(0, correction=0).clamp(min=1e-3))

    def forward(self, x: Tensor) -> Tensor:
        """v (..., n) of x (..., n)."""
        return (torch.logit(self._share(x)) - self.mean) / self.std

    def inverse(self, v: Tensor) -> Tensor:
        """x (..., n) of v (..., n)."""
        return self.low + (self.high - self.low) * torch.sigmoid(v * self.std + self.mean)

    def log_slope(self, x: Tensor) -> Tensor:
        """ln |dv/dx| (...), the sum over variables."""
        u = self._share(x)
        return -((u * (1 - u)).log() + (self.high - self.low).log() + self.std.log()).sum(-1)

    def _share(self, x: Tensor) -> Tensor:
        return ((x.to(self.low.dtype) - self.low) / (self.high - self.low)).clamp(_EDGE, 1 - _EDGE)
