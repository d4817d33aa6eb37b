"""What draws configurations of an action: densities, of one coupling or a range, and Markov chains, learnt or not."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

import torch
from torch import Tensor

from hepexp.models.layers.markov_chain import State
from hepexp.physics.lattice_action import LatticeAction

if TYPE_CHECKING:
    from typing_extensions import TypeIs


class Density(Protocol):
    """A density q of configurations, drawn of latent variables z; `at` are couplings, where it is one for each."""

    def latent(self, n: int, random: torch.Generator | None = None) -> Tensor: ...
    def draw(self, z: Tensor, *at: Tensor) -> tuple[Tensor, Tensor]: ...
    def log_density(self, x: Tensor, *at: Tensor) -> Tensor: ...


class ConditionalDensity(Density, Protocol):
    """A density for a range of couplings."""

    beta_min: float
    beta_max: float
    beta: float

    def draw_betas(self, n: int) -> Tensor: ...


class Chain(Protocol):
    """A Markov chain, rather than a density that is drawn from."""

    seed: int
    n_kept: int

    def take(self, action: LatticeAction) -> None: ...
    def chain(self, n: int, random: torch.Generator, length: int | None = None) -> Iterable[State]: ...


class LearntChain(Chain, Protocol):
    """A Markov chain whose proposals are trained."""

    def divergence(self, n: int, random: torch.Generator | None = None) -> Tensor: ...
    def local_ess(self, n: int, random: torch.Generator) -> Tensor: ...


def is_conditional(model: object) -> TypeIs[ConditionalDensity]:
    """Whether a model is a density for a range of couplings."""
    return hasattr(model, "draw_betas")


def is_density(model: object) -> TypeIs[Density]:
    """Whether a model is a density that is drawn from."""
    return hasattr(model, "log_density")


def is_learnt(model: object) -> TypeIs[LearntChain]:
    """Whether a Markov chain has proposals that are trained."""
    return hasattr(model, "divergence")


def is_chain(model: object) -> TypeIs[Chain]:
    """Whether a model is a Markov chain, rather than a density that is drawn from."""
    return hasattr(model, "chain")
