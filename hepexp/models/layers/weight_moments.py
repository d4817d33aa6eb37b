"""Normal distribution of a network's weights, from the networks that a training passes through: SWAG."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

_SEED = 0x2545F491  # of the drawn networks: the same in each evaluation


class WeightMoments(nn.Module):
    """Mean, variances and last deviations of the weights (P,) of networks, and networks drawn from them.

    After t networks, with m_t the mean of the first t, s^2 their variances and D (K, P) the last K deviations
    w_i - m_i, a network is drawn as w = m + scale (s z_1 / sqrt 2 + D^T z_2 / sqrt(2 (K - 1))), z standard normal: a
    normal distribution with the covariance scale^2 (diag(s^2) + D^T D / (K - 1)) / 2. The means of batch norms'
    statistics over the networks are those of each network that is drawn.

    Parameters
    ----------
    model : whose trainable weights, and floating-point buffers, are looked at.
    rank : K, largest number of deviations that are kept.

    Attributes
    ----------
    n : number of networks, t.

    References
    ----------
    W. Maddox et al., arXiv:1902.02476, equation 1 and algorithm 1.
    """

    n: Tensor
    mean: Tensor
    squares: Tensor
    deviations: Tensor
    statistics: Tensor

    def __init__(self, model: nn.Module, rank: int) -> None:
        super().__init__()
        weights, statistics = flat(_weights(model)), flat(_statistics(model))
        self.register_buffer("n", torch.zeros((), dtype=torch.int64))
        self.register_buffer("mean", torch.zeros_like(weights))
        self.register_buffer("squares", torch.zeros_like(weights))  # sum of squared distances from the mean
        self.register_buffer("deviations", weights.new_zeros(rank, len(weights)))
        self.register_buffer("statistics", torch.zeros_like(statistics))

    @torch.no_grad()
    def add(self, model: nn.Module) -> None:
        """Take the present weights into the moments."""
        weights = flat(_weights(model))
        before = weights - self.mean
        self.n += 1
        self.mean += before / self.n
        after = weights - self.mean
        self.squares += before * after  # Welford: no difference of large numbers
        self.deviations[(int(self.n) - 1) % len(self.deviations)] = after
        self.statistics += (flat(_statistics(model)) - self.statistics) / self.n

    def draw(self, number: int, scale: float = 1.0) -> Tensor:
        """The weights (P,) of the network of this number; needs two networks or more."""
        random = torch.Generator().manual_seed(_SEED + number)
        used = self.deviations[: int(self.n)]
        z, of_rank = (torch.randn(size, generator=random).to(self.mean) for size in (len(self.mean), len(used)))
        diagonal = (self.squares / self.n).sqrt() * z / math.sqrt(2)
        return self.mean + scale * (diagonal + of_rank @ used / math.sqrt(2 * (len(used) - 1)))

    @contextmanager
    def network(self, model: nn.Module, number: int, scale: float = 1.0) -> Iterator[None]:
        """Within the block the model is the network of this number."""
        tensors = [*_weights(model), *_statistics(model)]
        own = [tensor.detach().clone() for tensor in tensors]
        try:
            _fill(_weights(model), self.draw(number, scale))
            _fill(_statistics(model), self.statistics)
            yield
        finally:
            with torch.no_grad():
                for tensor, value in zip(tensors, own, strict=True):
                    tensor.copy_(value)


def flat(tensors: list[Tensor]) -> Tensor:
    """Tensors side by side (P,), complex numbers as two real ones."""
    real = [_real(tensor.detach()).reshape(-1) for tensor in tensors]
    return torch.cat(real) if real else torch.zeros(0)


def _weights(model: nn.Module) -> list[Tensor]:
    return [parameter for parameter in model.parameters() if parameter.requires_grad]


def _statistics(model: nn.Module) -> list[Tensor]:
    return [
        buffer
        for name, buffer in model.named_buffers()
        if name.rpartition(".")[2] in ("running_mean", "running_var") and buffer is not None
    ]


def _real(tensor: Tensor) -> Tensor:
    return torch.view_as_real(tensor) if tensor.is_complex() else tensor


@torch.no_grad()
def _fill(tensors: list[Tensor], values: Tensor) -> None:
    start = 0
    for tensor in tensors:
        into = _real(tensor)
        into.copy_(values[start : start + into.numel()].reshape(into.shape))
        start += into.numel()
