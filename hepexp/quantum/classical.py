"""A small network in place of a circuit: the option `classical` of the group `backend`, as a control."""

from __future__ import annotations

from torch import Tensor, nn

from hepexp.errors import ConfigError
from hepexp.quantum.backend import Backend
from hepexp.quantum.circuit import Circuit


class Classical(Backend):
    """An MLP in place of each circuit, with one hidden layer: n_inputs -> hidden -> n_outputs in [-1, 1].

    Parameters
    ----------
    hidden : width of the hidden layer; null for the width whose number of parameters is closest to `parameters`.
    parameters : number of parameters to match; null to match the circuit.

    Raises
    ------
    ConfigError : both are given, or one is not positive.
    """

    is_quantum = False

    def __init__(self, hidden: int | None = None, parameters: int | None = None):
        super().__init__()
        for key, value in (("hidden", hidden), ("parameters", parameters)):
            if value is not None and value < 1:
                raise ConfigError(f"backend.{key} must be at least 1, got {value}")
        if hidden is not None and parameters is not None:
            raise ConfigError(f"backend.hidden={hidden} and backend.parameters={parameters}: give one of the two")
        self.hidden, self.parameters = hidden, parameters

    def _layer(self, circuit: Circuit, scale: float | None) -> Perceptron:
        if not circuit.n_inputs:
            raise ConfigError(
                "backend=classical puts a perceptron in place of a circuit, and this circuit has no inputs for it; "
                "choose backend=statevector or backend=pennylane"
            )
        n_in, n_out = circuit.n_inputs, circuit.n_outputs
        if self.hidden is not None:
            return Perceptron(n_in, self.hidden, n_out, bias=True)
        wanted = self.parameters or circuit.n_weights
        few = max(1, wanted // (n_in + n_out + 1) - n_out)  # narrower ones are further away
        shapes = [(width, bias) for width in range(few, wanted // (n_in + n_out) + 2) for bias in (True, False)]
        width, bias = min(shapes, key=lambda shape: abs(count(n_in, shape[0], n_out, shape[1]) - wanted))
        return Perceptron(n_in, width, n_out, bias)


def count(n_in: int, hidden: int, n_out: int, bias: bool) -> int:
    """Number of parameters of an MLP with one hidden layer."""
    return hidden * (n_in + n_out) + bias * (hidden + n_out)


class Perceptron(nn.Module):
    """tanh(V tanh(U x + a) + b); `n_parameters` is its size.

    Shapes
    ------
    (..., n_in) -> (..., n_out) in [-1, 1], of the dtype of the input.
    """

    def __init__(self, n_in: int, hidden: int, n_out: int, bias: bool):
        super().__init__()
        self.first, self.second = nn.Linear(n_in, hidden, bias), nn.Linear(hidden, n_out, bias)
        self.n_parameters = count(n_in, hidden, n_out, bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.second(self.first(x.to(self.first.weight.dtype)).tanh()).tanh().to(x.dtype)

    def extra_repr(self) -> str:
        return f"{self.n_parameters} parameters"
