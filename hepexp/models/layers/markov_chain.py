"""Markov chains of configurations of a theory on a lattice, many side by side."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor, nn

from hepexp.batch import Batch
from hepexp.errors import ConfigError
from hepexp.physics.lattice_action import LatticeAction

MOST = 10**7  # steps of a chain


class State(NamedTuple):
    """Of chains after a step: configurations (B, ...), whether or what share (B,) was accepted, and dH, if any."""

    x: Tensor
    accepted: Tensor
    energy_change: Tensor | None = None


class MarkovChain(nn.Module, ABC):
    """Chains that begin with configurations without correlations, in float64; their first steps are dropped.

    Parameters
    ----------
    thermalisation : steps that are dropped.
    n_steps : steps that are kept.

    Attributes
    ----------
    action : that the loss samples.
    seed : of the run, which torch has when the model is built.
    """

    input = "features"
    lorentz_invariant = False
    action: LatticeAction
    _here: Tensor

    def __init__(self, thermalisation: int, n_steps: int):
        super().__init__()
        self.thermalisation, self.n_kept = thermalisation, n_steps
        self.seed = torch.initial_seed()
        self.register_buffer("_here", torch.zeros(()), persistent=False)  # on the device of the chains

    def take(self, action: LatticeAction) -> None:
        """Sample this theory from now on.

        Raises
        ------
        ConfigError : the chain cannot sample it.
        """
        self.action = action

    @abstractmethod
    def step(self, x: Tensor, random: torch.Generator) -> State:
        """A step of each configuration (B, ...), which leaves exp(-S) invariant."""

    def chain(self, n: int, random: torch.Generator, length: int | None = None) -> Iterator[State]:
        """The states of n chains after each step, as many as are kept or so many.

        Parameters
        ----------
        random : gives all random numbers, on the CPU.
        """
        x = self.hot(n, random)
        for k in range(self.thermalisation + (length or self.n_kept)):
            state = self.step(x, random)
            x = state.x
            if k >= self.thermalisation:
                yield state

    def hot(self, n: int, random: torch.Generator) -> Tensor:
        return self.action.hot(n, random).to(self._here.device)

    def forward(self, batch: Batch) -> Tensor:
        """What as many chains begin with (B, ...), flat."""
        return self.hot(len(batch), torch.Generator().manual_seed(0)).flatten(1)


def require_lengths(**lengths: int) -> None:
    """Numbers of steps, by their keys."""
    for key, value in lengths.items():
        if not 0 <= value <= MOST:
            raise ConfigError(f"model.{key} must be >= 0 and <= {MOST:,}, got {value}")
