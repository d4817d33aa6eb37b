"""What evaluates the circuits of a model or an objective: the base of the group `backend`."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hepexp.errors import ConfigError
from hepexp.quantum.circuit import Circuit
from hepexp.quantum.layer import CircuitLayer, Evaluate, amplitudes, computed_in


class Backend:
    """Makes a layer of each circuit that a model or an objective uses, and keeps the circuits for the record.

    Attributes
    ----------
    circuits : each circuit that was evaluated or made a layer, once, in order of first use.
    names : for each of them, the names that models give its uses; uses without a name are left out.
    is_quantum : whether circuits are evaluated as circuits, not replaced by something else.
    """

    is_quantum = True
    precision = "input"

    def __init__(self) -> None:
        self._of_states: dict[tuple[Circuit, torch.device], Evaluate] = {}
        self.circuits: list[Circuit] = []
        self.names: list[list[str]] = []

    def layer(self, circuit: Circuit, scale: float | None = None, name: str = "") -> nn.Module:
        """A module (..., n_inputs) -> (..., n_outputs) with its own parameters.

        Parameters
        ----------
        scale : standard deviation of a circuit's initial weights; None draws them uniformly from [0, 2 pi). Anything
            but a circuit draws its parameters as torch does.
        name : the model's name for this use of the circuit, for its drawing.

        Raises
        ------
        ConfigError : the backend cannot evaluate this circuit, or the machine lacks the memory.
        """
        made = self._layer(circuit, scale)
        self._remember(circuit, name)
        return made

    def states(self, circuit: Circuit, inputs: Tensor, weights: Tensor, name: str = "") -> Tensor:
        """State vectors before anything is measured; the circuit's observables are not used.

        What evaluates them is laid out once for each circuit and device.

        Parameters
        ----------
        name : of the first use of the circuit, for its drawing.

        Shapes
        ------
        inputs (B, n_inputs), weights (n_weights,) -> (B, 2^n_qubits) complex, with the global phase of the gates.

        Raises
        ------
        ConfigError : the backend has no state vectors, or the machine lacks the memory.
        """
        if not self.is_quantum:
            raise ConfigError(
                f"backend={type(self).__name__.lower()} has no state vectors; choose backend=statevector, or "
                "backend=pennylane with a device that simulates them"
            )
        key = circuit, inputs.device
        if key not in self._of_states:
            evaluate = self._evaluation(circuit.giving_state)
            self._of_states[key] = evaluate.to(inputs.device) if isinstance(evaluate, nn.Module) else evaluate
            self._remember(circuit, name)
        return amplitudes(self._of_states[key](inputs.to(computed_in(inputs.dtype, self.precision)), weights))

    def _remember(self, circuit: Circuit, name: str = "") -> None:
        if circuit not in self.circuits:
            self.circuits.append(circuit)
            self.names.append([])
        names = self.names[self.circuits.index(circuit)]
        if name and name not in names:
            names.append(name)

    def _layer(self, circuit: Circuit, scale: float | None) -> nn.Module:
        return CircuitLayer(circuit, self._evaluation(circuit), scale, self.precision)

    def _evaluation(self, circuit: Circuit) -> Evaluate:
        """What computes the outputs from inputs and weights."""
        raise NotImplementedError(f"{type(self).__name__} does not implement the evaluation of a circuit")
