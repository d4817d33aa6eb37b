"""Circuits without inputs or trained angles: there is nothing to learn, only to evaluate."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from hepexp.batch import FeatureBatch
from hepexp.errors import ConfigError
from hepexp.models.checks import require_circuits, require_no_data
from hepexp.quantum.backend import Backend
from hepexp.quantum.circuit import Circuit


class FixedCircuits(nn.Module):
    """Expectation values and state vectors of fixed circuits, one set for each example.

    Parameters
    ----------
    circuits : each circuit under the name that its figures of merit carry; a circuit is the name of one (`hepexp list
        circuit`), a list of gates, or a `_target_` with its keys.
    n_features : features of an example in the data set, which must be 0: a fixed circuit reads none.
    backend : evaluates the circuits.

    Shapes
    ------
    features (B, 0) -> (B, outputs of all circuits together), in [-1, 1].

    Raises
    ------
    ConfigError : no circuit, a circuit with inputs or trained angles, a name that no file can have, or a data set with
        features.
    """

    input = "features"
    lorentz_invariant = False

    def __init__(self, circuits: Mapping[str, Circuit], *, n_features: int, backend: Backend):
        super().__init__()
        require_circuits(circuits)
        for name, circuit in circuits.items():
            if circuit.n_inputs or circuit.n_weights:
                raise ConfigError(
                    f"model.circuits.{name} has {circuit.n_inputs} inputs and {circuit.n_weights} trained angles; "
                    "a fixed circuit has neither"
                )
        require_no_data("fixed_circuits", n_features)
        self.circuits = dict(circuits)
        self.backend = backend
        self.layers = nn.ModuleList(backend.layer(circuit, name=name) for name, circuit in circuits.items())

    def forward(self, batch: FeatureBatch) -> Tensor:
        return torch.cat([layer(batch.features) for layer in self.layers], dim=1)

    def states(self, batch: FeatureBatch) -> dict[str, Tensor]:
        """The state vector (B, 2^n) of each circuit before its measurement."""
        nothing = batch.features.new_zeros(0)
        return {name: self.backend.states(circuit, batch.features, nothing) for name, circuit in self.circuits.items()}
