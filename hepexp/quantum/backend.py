"""What evaluates the circuits of a model or an objective: the base of the group `backend`."""

from __future__ import annotations

from torch import Tensor, nn

from hepexp.quantum.circuit import Circuit


class Backend:
    """Makes a layer of each circuit that a model or an objective uses, and keeps the circuits for the record.

    Attributes
    ----------
    circuits : each circuit that was evaluated or made a layer, once, in order of first use.
    names : for each of them, the names that models give its uses; uses without a name are left out.
    is_quantum : whether circuits are evaluated as circuits, not replaced by something else.
    """

    is_quantum = True

    def __init__(self) -> None:
        self.circuits: list[Circuit] = []
        self.names: list[list[str]] = []

    def layer(self, circuit: Circuit, scale: float | None = None, name: str = "") -> nn.Module:
        """A module (..., n_inputs) -> (..., n_observables) with its own parameters.

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

    def states(self, circuit: Circuit, inputs: Tensor, weights: Tensor) -> Tensor:
        """State vectors before anything is measured; the circuit's observables are not used.

        Shapes
        ------
        inputs (B, n_inputs), weights (n_weights,) -> (B, 2^n_qubits) complex, with the global phase of the gates.

        Raises
        ------
        ConfigError : the backend has no state vectors, or the machine lacks the memory.
        """
        found = self._states(circuit, inputs, weights)
        self._remember(circuit)
        return found

    def _remember(self, circuit: Circuit, name: str = "") -> None:
        if circuit not in self.circuits:
            self.circuits.append(circuit)
            self.names.append([])
        names = self.names[self.circuits.index(circuit)]
        if name and name not in names:
            names.append(name)

    def _layer(self, circuit: Circuit, scale: float | None) -> nn.Module:
        raise NotImplementedError(f"{type(self).__name__} does not implement the evaluation of a circuit")

    def _states(self, circuit: Circuit, inputs: Tensor, weights: Tensor) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} does not implement state vectors")
