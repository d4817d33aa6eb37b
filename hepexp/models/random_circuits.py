"""Circuits whose angles are drawn at random: there is nothing to learn, only to describe."""

from __future__ import annotations

from collections.abc import Mapping
from math import pi
from typing import Literal

import torch
from torch import Tensor, nn

from hepexp.batch import FeatureBatch
from hepexp.errors import ConfigError
from hepexp.models.checks import require_circuits, require_no_data
from hepexp.quantum.backend import Backend
from hepexp.quantum.circuit import Circuit
from hepexp.quantum.expressibility import entanglement, freed
from hepexp.quantum.fidelity import fidelity


class RandomCircuits(nn.Module):
    """Fidelity of two states of a circuit with random angles, and the entanglement of one, for each example anew.

    Trained angles are uniform from 0 to 2 pi.

    Parameters
    ----------
    circuits : each circuit under the name that its figures of merit carry; a circuit is the name of one (`hepexp list
        circuit`), a list of gates, or a `_target_` with its keys.
    inputs : angles that encode inputs are all zero, or uniform from 0 to 2 pi as the trained ones are.
    n_features : features of an example in the data set, which must be 0: random circuits read none.
    backend : evaluates the states.

    Shapes
    ------
    features (B, 0) -> (B, number of circuits, 2): F = |<psi|phi>|^2, and Meyer and Wallach's Q of psi.

    Raises
    ------
    ConfigError : no circuit, one that reads amplitudes, a name that no file can have, a data set with features, or a
        backend without state vectors.

    References
    ----------
    arXiv:1905.10876.
    """

    input = "features"
    lorentz_invariant = False

    def __init__(
        self,
        circuits: Mapping[str, Circuit],
        inputs: Literal["zero", "uniform"] = "zero",
        *,
        n_features: int,
        backend: Backend,
    ):
        super().__init__()
        require_circuits(circuits)
        for name, circuit in circuits.items():
            if circuit.amplitudes:
                raise ConfigError(
                    f"model.circuits.{name} reads amplitudes, and model=random_circuits draws angles: choose a circuit "
                    "that encodes angles"
                )
        require_no_data("random_circuits", n_features)
        self.circuits = {name: freed(circuit).giving_state for name, circuit in circuits.items()}
        self.n_inputs = {name: circuit.n_inputs for name, circuit in circuits.items()}
        self.inputs, self.backend = inputs, backend

    def forward(self, batch: FeatureBatch) -> Tensor:
        found = []
        for name in self.circuits:
            psi, phi = self._states(name, batch.features), self._states(name, batch.features)
            found.append(torch.stack([fidelity(psi, phi), entanglement(psi)], dim=1))
        return torch.stack(found, dim=1)

    def _states(self, name: str, features: Tensor) -> Tensor:
        circuit = self.circuits[name]
        angles = 2 * pi * torch.rand(len(features), circuit.n_inputs, dtype=features.dtype, device=features.device)
        if self.inputs == "zero":
            angles[:, : self.n_inputs[name]] = 0
        return self.backend.states(circuit, angles, features.new_zeros(0), name)
