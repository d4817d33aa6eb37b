"""The temperature of a contrastive loss, fixed or learnt."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from hepexp.errors import ConfigError

COLDEST = 1e-4  # similarities in float32 are known to 1e-7, which a fixed temperature divides
LOWEST, HIGHEST = 0.01, 1.0  # between which it is learnt; 0.01 is the bound of CLIP


def require_temperatures(**values: float) -> None:
    """Numbers that divide similarities, by their keys, large enough for the precision of these.

    Raises
    ------
    ConfigError : a number below COLDEST, or not finite.
    """
    for key, value in values.items():
        if not 0 < value < float("inf"):
            raise ConfigError(f"loss.{key} must be > 0, got {value}")
        if value < COLDEST:
            raise ConfigError(f"loss.{key} must be >= {COLDEST:g}, got {value}; 0.05 to 1 are usual")


class Temperature(nn.Module):
    """tau = 0.01 ^ (1 - sigmoid(x)) if it is learnt, so between 0.01 and 1 with a gradient everywhere.

    Without a bound tau would fall to zero as soon as all positives are nearest: then the loss does.

    Parameters
    ----------
    initial : its value, or where it starts.
    learnt : whether x is trained.

    Raises
    ------
    ConfigError : a temperature below COLDEST, or out of bounds where it is learnt.

    References
    ----------
    A. Radford et al., arXiv:2103.00020, section 2.5 (a learnt temperature, at least 0.01).
    """

    def __init__(self, initial: float, learnt: bool = False):
        super().__init__()
        require_temperatures(temperature=initial)
        if learnt and not LOWEST < initial < HIGHEST:
            raise ConfigError(
                f"loss.temperature must be between {LOWEST} and {HIGHEST} where it is learnt, got {initial}"
            )
        self.initial, self.learnt = initial, learnt
        if learnt:
            share = math.log(initial / LOWEST) / math.log(HIGHEST / LOWEST)
            self.x = nn.Parameter(torch.tensor(math.log(share / (1 - share))))

    def forward(self) -> Tensor | float:
        return LOWEST * (HIGHEST / LOWEST) ** self.x.sigmoid() if self.learnt else self.initial
