"""What a theory on a periodic lattice gives to whoever samples exp(-S)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from math import pi
from typing import Literal

import torch
from torch import Tensor

from hepexp.errors import ConfigError

LARGEST = 256  # sites along an axis
HIGHEST_BETA = 100.0


class LatticeAction(ABC):
    """A theory in two Euclidean dimensions, with a density exp(-S) / Z of its configurations.

    Parameters
    ----------
    size : L, sites along each axis.

    Attributes
    ----------
    field : what a configuration consists of: `scalars` or `angles` at the sites, or `links`, angles between them.
    shape : of a configuration.
    theory : as in the titles of figures.
    observables : names of what `observe` gives, and their labels on axes.

    Raises
    ------
    ConfigError : a size that is not from 2 to 256.
    """

    field: Literal["scalars", "angles", "links"]
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
    def pull(self, x: Tensor) -> Tensor:
        """What all others do to each variable (B, *shape): a real number for scalars, a complex one for angles.

        The density of a variable, given the others, depends on them by this alone: see `local`.
        """

    @abstractmethod
    def local(self, x: Tensor, pull: Tensor) -> Tensor:
        """The part of S that contains a variable, of any shape, if the others pull it so."""

    @abstractmethod
    def colours(self) -> Tensor:
        """Masks (n_colours, *shape), true for variables that do not pull each other; each variable has one colour."""

    @abstractmethod
    def observe(self, x: Tensor) -> Tensor:
        """The observables (B, len(observables))."""

    @abstractmethod
    def hot(self, n: int, random: torch.Generator) -> Tensor:
        """Configurations (n, *shape) without correlations, in float64, where a Markov chain can begin."""

    def exact(self) -> Mapping[str, float]:
        """Expectation values of observables, and `log_z`, that are known in closed form."""
        return {}


class AngleAction(LatticeAction):
    """A theory of angles, each of which has a von Mises distribution if the others are given.

    Parameters
    ----------
    size : L, sites along each axis.
    beta : the inverse coupling: S has the terms -beta Re A exp(-i theta) of an angle that is pulled by A.

    Raises
    ------
    ConfigError : a beta that is not above 0 and at most 100.
    """

    def __init__(self, size: int, beta: float):
        super().__init__(size)
        if not 0 < beta <= HIGHEST_BETA:
            raise ConfigError(f"loss.action.beta must be > 0 and <= {HIGHEST_BETA:g}, got {beta}")
        self.beta = beta

    def local(self, x: Tensor, pull: Tensor) -> Tensor:
        return -self.beta * pull.abs() * torch.cos(x - pull.angle())

    def hot(self, n: int, random: torch.Generator) -> Tensor:
        return 2 * pi * torch.rand(n, *self.shape, generator=random, dtype=torch.float64) - pi


def ring_colours(size: int) -> Tensor:
    """Colours (L,), 0 and 1, and 2 once if L is odd, of which no neighbours on a ring have the same."""
    colours = torch.arange(size) % 2
    colours[-1] = 2 if size % 2 else 1
    return colours


def site_colours(size: int) -> Tensor:
    """Masks (n_colours, L, L) of sites that are no neighbours: even and odd ones, or three of odd L."""
    ring = ring_colours(size)
    n = 2 + size % 2
    return torch.arange(n)[:, None, None] == (ring[:, None] + ring) % n


def neighbours(x: Tensor) -> Tensor:
    """Sum of the four neighbours of each site (B, L, L)."""
    return x.roll(1, -1) + x.roll(-1, -1) + x.roll(1, -2) + x.roll(-1, -2)
