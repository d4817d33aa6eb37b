"""Expectation values of a stack of circuits, by the cheaper of two routes.

Gate by gate, the state of each example is carried through the circuit. The matrix route uses the fact that a rotation
by an input x is cos(x/2) 1 + sin(x/2) R(pi), so that the state is linear in a real product state f of the d inputs'
gates:

    psi(x) = sum_b f_b(x) psi(pi b),    f(x) = (cos x_1/2, sin x_1/2) (x) ... (x) (cos x_d/2, sin x_d/2)

The 2^d states psi(pi b) = W_b contain everything that is trained; they are built once per step, gate by gate in double
precision, and applied to the batch as one real matrix product. With few observables, f^T A_j f with A_j = Re(W^+ O_j W)
costs less than W f.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from hepexp.exporting import in_pieces, is_exported
from hepexp.precision import ExactBuffers
from hepexp.quantum.circuit import Input
from hepexp.quantum.density import DensityEvolution
from hepexp.quantum.evolution import Evolution, plan
from hepexp.quantum.light_cones import Stack
from hepexp.quantum.measurement import Measurement
from hepexp.quantum.noise import has_errors

# A step of an evolution reads and writes each amplitude some ten times; in that time, measured on two cores, a matrix
# product does about this many multiplications for each amplitude.
STEP_COST = 256
# Amplitudes of a step at once: 8 MB in single precision. Larger steps leave the cache, and the system would hand out
# and clear their memory anew each time; those of 2^24 took 2.5 times as long.
IN_CACHE = 2**20
LARGEST_MATRIX = 2**24  # complex entries, 128 MB in single precision


def has_matrix(stack: Stack) -> bool:
    """Whether every input is the angle of a rotation that no wire controls, and the matrix is not too large."""
    if stack.amplitudes or has_errors(stack.operations):
        return False
    reading = [op for op in stack.operations if any(isinstance(p, Input) for p in op.parameters)]
    size = 2 ** (len(stack.inputs[0]) + stack.n_qubits)
    return all(op.name in ("RX", "RY", "RZ") for op in reading) and size <= LARGEST_MATRIX


def prefers_matrix(stack: Stack) -> bool:
    """Whether the matrix route exists and costs less than the gates."""
    return has_matrix(stack) and _matrix_cost(stack) < _gates_cost(stack)


def cost(stack: Stack) -> int:
    """Multiplications for each example of a large batch."""
    return len(stack.inputs) * (_matrix_cost(stack) if prefers_matrix(stack) else _gates_cost(stack))


def _gates_cost(stack: Stack) -> int:
    if has_errors(stack.operations):
        return 4**stack.n_qubits * (1 + len(stack.operations)) * STEP_COST
    return 2**stack.n_qubits * (1 + len(plan(stack)[1])) * STEP_COST


def _matrix_cost(stack: Stack) -> int:
    columns = 2 ** len(stack.inputs[0])
    product = 2 * 2**stack.n_qubits
    return columns * (min(product, stack.n_outputs * columns) if stack.has_forms else product)


class Expectation(ExactBuffers):
    """Expectation values of every piece of a stack.

    Parameters
    ----------
    stack : the pieces.
    use_matrix : take the matrix route for batches of more than 2^d examples; otherwise go gate by gate.
    readout : probability to read a bit as the other one.
    draws : draw errors for each example; otherwise their channels are applied to density matrices.

    Shapes
    ------
    trigonometry (n_inputs, 3, B): an input x, cos(x/2), sin(x/2); weights (n_weights,) float64
    -> (G, n_outputs, B).
    """

    slots: Tensor
    basis: Tensor

    def __init__(self, stack: Stack, use_matrix: bool, readout: float = 0.0, draws: bool = False):
        super().__init__()
        self.n_pieces, self.n_slots = len(stack.inputs), len(stack.inputs[0]) + stack.amplitudes
        self.use_matrix = use_matrix
        self.is_mixed = has_errors(stack.operations) and not draws
        self.evolution = DensityEvolution(stack) if self.is_mixed else Evolution(stack)
        self.measure = Measurement(stack.n_qubits, stack.observables, readout)
        self.few_observables = stack.has_forms and stack.n_outputs * 2**self.n_slots < 2 * 2**stack.n_qubits
        read = [[*range(stack.amplitudes), *piece] for piece in stack.inputs]
        slots = np.array(read, np.int64).T.reshape(-1)  # (slots, G) flattened
        self.register_buffer("slots", torch.from_numpy(slots.copy()), persistent=False)
        if use_matrix:
            bits = (np.arange(2**self.n_slots) >> np.arange(self.n_slots)[::-1, None]) & 1
            self.register_buffer("basis", torch.from_numpy(np.pi * bits)[:, None], persistent=False)

    @property
    def amplitudes(self) -> int:
        """How many amplitudes of each example are kept for its gradient."""
        states = 2 if self.use_matrix else 1 + len(self.evolution.steps)
        return self.n_pieces * 2**self.evolution.n_qubits * states

    def forward(self, trigonometry: Tensor, weights: Tensor) -> Tensor:
        read = trigonometry.index_select(0, self.slots).unflatten(0, (self.n_slots, self.n_pieces))
        dtype = trigonometry.dtype
        if not self.use_matrix or (not is_exported() and trigonometry.shape[-1] <= 2**self.n_slots):
            return self._in_turn(read[:, :, 0], lambda angles: self._by_gates(angles, weights))
        states = self.evolution(self.basis, weights).expand(self.n_pieces, -1, -1)
        if self.few_observables:
            forms = self.measure.quadratic_forms(states).to(dtype)
            return self._in_turn(read[:, :, 1:], lambda factors: _by_forms(factors, forms))
        matrix = torch.cat([states.real, states.imag], dim=1).to(dtype)
        return self._in_turn(
            read[:, :, 1:], lambda factors: self.measure((matrix @ _product(factors)).unflatten(1, (2, -1)))
        )

    def _in_turn(self, read: Tensor, evaluate: Callable[[Tensor], Tensor]) -> Tensor:
        """Evaluate what the slots read (slots, G, ..., B), on CPUs a limited number of examples at a time."""
        rows = max(IN_CACHE // (self.n_pieces * 2**self.evolution.n_qubits), 1)
        if not in_pieces(read) or read.shape[-1] <= rows:
            return evaluate(read)
        return torch.cat([evaluate(part) for part in read.split(rows, dim=-1)], dim=-1)

    def _by_gates(self, angles: Tensor, weights: Tensor) -> Tensor:
        """(slots, G, B) -> (G, n_outputs, B)."""
        state = self.evolution(angles, weights).expand(self.n_pieces, -1, -1)
        if self.is_mixed:
            return self.measure.of_density(state.unflatten(1, (2**self.measure.n_qubits, -1)))
        return self.measure(torch.stack([state.real, state.imag], dim=1))


def _by_forms(factors: Tensor, forms: Tensor) -> Tensor:
    """Factors (d, G, 2, B) and quadratic forms (G, n_outputs, 2^d, 2^d) -> (G, n_outputs, B)."""
    features = _product(factors)
    applied = (forms.flatten(1, 2) @ features).unflatten(1, forms.shape[1:3])
    return (applied * features[:, None]).sum(2)


def _product(factors: Tensor) -> Tensor:
    """Tensor product (G, 2^d, B) of factors (d, G, 2, B), by halves, so that little but the last product is kept."""
    if len(factors) == 0:
        return factors.new_ones(factors.shape[1], 1, factors.shape[-1])
    if len(factors) == 1:
        return factors[0]
    half = len(factors) // 2
    left, right = _product(factors[:half]), _product(factors[half:])
    return (left[:, :, None] * right[:, None]).flatten(1, 2)
