"""A small network in place of a circuit: the option `classical` of the group `backend`, as a control."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hepexp.errors import ConfigError
from hepexp.quantum.backend import Backend
from hepexp.quantum.circuit import Circuit


class Classical(Backend):
    """A network of as many parameters in place of each circuit, n_inputs -> n_outputs in [-1, 1].

    With `hidden`, a perceptron with one hidden layer. Without, whichever is closest in its number of parameters: such
    a perceptron, no narrower than its inputs or outputs, or `Neighbours` for circuits with few angles. Of these a
    perceptron would have a hidden layer of one or two numbers, through which no control can be as good as a circuit.

    Parameters
    ----------
    hidden : width of the hidden layer; null for the network whose number of parameters is closest to `parameters`.
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

    def _layer(self, circuit: Circuit, scale: float | None) -> Control:
        if not circuit.n_inputs:
            raise ConfigError(
                "backend=classical puts a network in place of a circuit, and this circuit has no inputs for it; "
                "choose backend=statevector or backend=pennylane"
            )
        n_in, n_out = circuit.n_inputs, circuit.n_outputs
        if self.hidden is not None:
            return Perceptron(n_in, self.hidden, n_out, bias=True)
        wanted = self.parameters or circuit.n_weights
        # perceptrons of the widths beside the one that would have as many parameters exactly
        exact = [((wanted - bias * n_out) // (n_in + n_out + bias), bias) for bias in (True, False)]
        perceptrons = {(max(size + more, min(n_in, n_out)), bias) for size, bias in exact for more in (0, 1)}
        neighbours = [(size, bias) for size in range(math.ceil(n_in / n_out), n_in + 1) for bias in (True, False)]
        controls: list[tuple[int, type[Control], int, bool]] = [
            (abs(kind.count(n_in, size, n_out, bias) - wanted), kind, size, bias)
            for kind, shapes in (
                (Perceptron, sorted(perceptrons, key=lambda shape: (shape[0], not shape[1]))),
                (Neighbours, neighbours),
            )
            for size, bias in shapes
        ]
        _, kind, size, bias = min(controls, key=lambda control: control[0])
        return kind(n_in, size, n_out, bias)


class Control(nn.Module):
    """What stands in the place of a circuit; `n_parameters` is its size."""

    n_parameters: int

    def __init__(self, n_in: int, size: int, n_out: int, bias: bool):
        super().__init__()
        self.n_parameters = self.count(n_in, size, n_out, bias)

    @staticmethod
    def count(n_in: int, size: int, n_out: int, bias: bool) -> int:
        """Number of parameters."""
        raise NotImplementedError

    def extra_repr(self) -> str:
        return f"{self.n_parameters} parameters"


class Perceptron(Control):
    """tanh(V tanh(U x + a) + b), with `size` numbers in its hidden layer.

    Shapes
    ------
    (..., n_in) -> (..., n_out) in [-1, 1], of the dtype of the input.
    """

    def __init__(self, n_in: int, size: int, n_out: int, bias: bool):
        super().__init__(n_in, size, n_out, bias)
        self.first, self.second = nn.Linear(n_in, size, bias), nn.Linear(size, n_out, bias)

    @staticmethod
    def count(n_in: int, size: int, n_out: int, bias: bool) -> int:
        return size * (n_in + n_out) + bias * (size + n_out)

    def forward(self, x: Tensor) -> Tensor:
        return self.second(self.first(x.to(self.first.weight.dtype)).tanh()).tanh().to(x.dtype)


class Neighbours(Control):
    """tanh(W x + b), each output from `size` neighbouring inputs on a ring, as wires see their neighbours by CNOTs.

    Outputs that are as many as inputs start at the input of their own number; otherwise they are spread evenly.

    Shapes
    ------
    (..., n_in) -> (..., n_out) in [-1, 1], of the dtype of the input.
    """

    inputs: Tensor  # (n_out, size): which inputs each output reads

    def __init__(self, n_in: int, size: int, n_out: int, bias: bool):
        super().__init__(n_in, size, n_out, bias)
        self.n_in = n_in
        first = torch.arange(n_out) * n_in // n_out
        self.register_buffer("inputs", (first[:, None] + torch.arange(size)) % n_in, persistent=False)
        bound = size**-0.5  # as nn.Linear
        self.weight = nn.Parameter(torch.empty(n_out, size).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(n_out).uniform_(-bound, bound)) if bias else None

    @staticmethod
    def count(n_in: int, size: int, n_out: int, bias: bool) -> int:
        return n_out * size + bias * n_out

    def forward(self, x: Tensor) -> Tensor:
        matrix = self.weight.new_zeros(len(self.weight), self.n_in).scatter(1, self.inputs, self.weight)
        return F.linear(x.to(matrix.dtype), matrix, self.bias).tanh().to(x.dtype)
