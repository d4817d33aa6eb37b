"""What a theory on a periodic lattice gives to whoever samples exp(-S)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor

from hepexp.errors import ConfigError

LARGEST = 256  # sites along an axis


class LatticeAction(ABC):
    """A theory in two Euclidean dimensions, with a density exp(-S) / Z of its configurations.

    Parameters
    ----------
    size : L, sites along each axis.

    Attributes
    ----------
    field : what a configuration consists of: `scalars` at the sites, or `links`, angles between them.
    shape : of a configuration.
    theory : as in the titles of figures.
    observables : names of what `observe` gives, and their labels on axes.

    Raises
    ------
    ConfigError : a size that is not from 2 to 256.
    """

    field: Literal["scalars", "links"]
    theory: str
    observables: tuple[tuple[str, str], ...]

    def __init__(self, size: int):
        if not 2 <= size <= LARGEST:
            raise ConfigError(f"loss.action.size must be from 2 to {LARGEST}, got {size}")
        self.size = size

    @property
    def volume(self) -> int:
        return self.size**2

    @property
    @abstractmethod
    def shape(self) -> tuple[int, ...]: ...

    @abstractmethod
    def __call__(self, x: Tensor) -> Tensor:
        """S (B,) of configurations (B, *shape)."""

    @abstractmethod
    def force(self, x: Tensor) -> Tensor:
        """-dS/dx (B, *shape)."""

    @abstractmethod
    def observe(self, x: Tensor) -> Tensor:
        """The observables (B, len(observables))."""

    @abstractmethod
    def hot(self, n: int, random: torch.Generator) -> Tensor:
        """Configurations (n, *shape) without correlations, in float64, where a Markov chain can begin."""

    def exact(self) -> Mapping[str, float]:
        """Expectation values of observables, and `log_z`, that are known in closed form."""
        return {}
