"""A circuit in the place of an MLP's hidden layer."""

from __future__ import annotations

from torch import Tensor, nn

from hepexp.models.checks import require_circuit
from hepexp.quantum.backend import Backend
from hepexp.quantum.circuit import Circuit
from hepexp.quantum.layer import bounded_angles
from hepexp.quantum.layered import Layered


class Angles(nn.Module):
    """`bounded_angles` as a module."""

    def forward(self, x: Tensor) -> Tensor:
        return bounded_angles(x)


def circuit_mlp(n_in: int, circuit: Circuit, n_out: int, backend: Backend, name: str) -> list[nn.Module]:
    """A linear layer to the circuit's angles, the circuit, and a linear layer from what it measures.

    Parameters
    ----------
    name : what the model calls this use of the circuit.

    Shapes
    ------
    (..., n_in) -> (..., n_out).

    Raises
    ------
    ConfigError : the backend cannot evaluate this circuit, or the machine lacks the memory.
    """
    layer = backend.layer(circuit, name=name)
    return [nn.Linear(n_in, circuit.n_inputs), Angles(), layer, nn.Linear(circuit.n_outputs, n_out)]


def of_angles(circuit: Circuit | None, n_qubits: int, n_layers: int) -> Circuit:
    """The circuit that was chosen, or RY angles before each layer of trained RX and CNOTs, and <Z> on each wire.

    Raises
    ------
    ConfigError : a circuit without inputs, or one that is too large.
    """
    circuit = circuit or Layered(n_qubits, n_layers, "basic_entangler", encoding="RY", reuploading=True)
    require_circuit(circuit, "the angles of a linear layer")
    return circuit
