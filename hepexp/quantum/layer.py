"""A circuit as a layer of a network."""

from __future__ import annotations

from collections.abc import Callable
from math import pi, prod

import torch
from torch import Tensor, nn

from hepexp.errors import ConfigError
from hepexp.quantum.circuit import Circuit

Evaluate = Callable[[Tensor, Tensor], Tensor]


class CircuitLayer(nn.Module):
    """A circuit's expectation values; owns the trained angles as `weights`, whichever backend evaluates it.

    Parameters
    ----------
    circuit : the circuit to evaluate.
    evaluate : (inputs (B, n_inputs), weights (n_weights,)) -> (B, n_outputs); it owns no parameters.
    scale : standard deviation of the initial weights; None draws them uniformly from [0, 2 pi).
    precision : `input` computes in the precision of the inputs, `single` and `double` in the one named.

    Shapes
    ------
    angles (..., n_inputs) -> (..., n_outputs), of the dtype of the angles.
    """

    def __init__(self, circuit: Circuit, evaluate: Evaluate, scale: float | None = None, precision: str = "input"):
        super().__init__()
        if scale is not None and not scale >= 0:
            raise ConfigError(f"the scale of a circuit's initial weights must be >= 0, got {scale}")
        self.n_outputs = circuit.n_outputs
        self.circuit, self.evaluate, self.precision = circuit, evaluate, precision
        drawn = 2 * pi * torch.rand(circuit.n_weights) if scale is None else scale * torch.randn(circuit.n_weights)
        self.weights = nn.Parameter(drawn)

    def forward(self, angles: Tensor) -> Tensor:
        if angles.shape[-1] != self.circuit.n_inputs:
            raise ConfigError(f"the circuit reads {self.circuit.n_inputs} angles, got {angles.shape[-1]}")
        rows = angles.reshape(prod(angles.shape[:-1]), angles.shape[-1]).to(computed_in(angles.dtype, self.precision))
        return self.evaluate(rows, self.weights).to(angles.dtype).view(*angles.shape[:-1], self.n_outputs)

    def extra_repr(self) -> str:
        c = self.circuit
        return f"{c.n_qubits} qubits, {c.n_inputs} angles -> {self.n_outputs}, {c.n_weights} weights"


def amplitudes(outputs: Tensor) -> Tensor:
    """The complex amplitudes (..., 2^n) of the outputs (..., 2 2^n) of a circuit that gives its state."""
    return torch.complex(*outputs.chunk(2, dim=-1))


def bounded_angles(x: Tensor) -> Tensor:
    """tanh(x) pi / 2: angles in (-pi / 2, pi / 2), which RY turns into different states."""
    return torch.tanh(x) * (pi / 2)


def computed_in(dtype: torch.dtype, precision: str) -> torch.dtype:
    """The dtype in which inputs of a dtype are computed, for a backend's `precision`."""
    if precision == "input":
        return dtype if dtype == torch.float64 else torch.float32
    return {"single": torch.float32, "double": torch.float64}[precision]
