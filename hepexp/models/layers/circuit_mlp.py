"""A circuit in the place of an MLP's hidden layer."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hepexp.models.checks import require_circuit
from hepexp.quantum.backend import Backend
from hepexp.quantum.circuit import Circuit
from hepexp.quantum.layer import bounded_angles
from hepexp.quantum.layered import Layered

EXAMPLES_OF_SPREAD = 64
LEAST_SPREAD = 0.02  # of outputs that hardly depend on the inputs


class Angles(nn.Module):
    """`bounded_angles` as a module."""

    def forward(self, x: Tensor) -> Tensor:
        return bounded_angles(x)


def circuit_mlp(n_in: int, circuit: Circuit, n_out: int, backend: Backend, name: str) -> list[nn.Module]:
    """A linear layer to the circuit's angles, the circuit, and a linear layer from what it measures.

    Expectation values vary little from input to input, the less the more qubits there are (0.2 with four), and a
    network that ends in them would spend its training on larger weights. The last layer's therefore start divided by
    the standard deviation of what the circuit gives for inputs of unit variance (arXiv:1511.06422).

    Parameters
    ----------
    name : what the model calls this use of the circuit.

    Shapes
    ------
    (..., n_in) -> (..., n_out); inputs of about unit variance, as a layer norm gives them.

    Raises
    ------
    ConfigError : the backend cannot evaluate this circuit, or the machine lacks the memory.
    """
    inputs = [nn.Linear(n_in, circuit.n_inputs), Angles(), backend.layer(circuit, name=name)]
    readout = nn.Linear(circuit.n_outputs, n_out)
    with torch.no_grad():
        measured = nn.Sequential(*inputs)(torch.randn(EXAMPLES_OF_SPREAD, n_in))
        readout.weight /= measured.std(0).clamp(min=LEAST_SPREAD)
    return [*inputs, readout]


def of_angles(circuit: Circuit | None, n_qubits: int, n_layers: int) -> Circuit:
    """The circuit that was chosen, or RY angles before each layer of trained RX and CNOTs, and <Z> on each wire.

    Raises
    ------
    ConfigError : a circuit without inputs, or one that is too large.
    """
    circuit = circuit or Layered(n_qubits, n_layers, "basic_entangler", encoding="RY", reuploading=True)
    require_circuit(circuit, "the angles of a linear layer")
    return circuit
