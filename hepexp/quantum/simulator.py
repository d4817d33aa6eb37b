"""Exact expectation values of a circuit in torch: batched, differentiable, on any device."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from hepexp.errors import ConfigError
from hepexp.exporting import is_exported
from hepexp.memory import require
from hepexp.module_list import ModuleList
from hepexp.precision import full_precision
from hepexp.quantum.circuit import Circuit, Input, Operation, Weight
from hepexp.quantum.light_cones import Stack, largest_cone, light_cones, whole
from hepexp.quantum.noise import has_errors
from hepexp.quantum.routes import Expectation, cost, has_matrix, prefers_matrix

Route = Literal["auto", "gates", "matrix", "cones"]

AT_ONCE = 2**26  # amplitudes: with what their gradients need, about 2 GB in single precision


class Simulator(nn.Module):
    """Expectation values of a circuit as a function of inputs and weights; it has no parameters.

    Parameters
    ----------
    circuit : the circuit to evaluate. A batch that would take gigabytes is evaluated in pieces, and again for the
        gradient.
    route : `gates` carries the whole state through the circuit; `matrix` applies the trained part as one matrix to the
        encoded inputs; `cones` evaluates, for each observable, only what it depends on; `auto` takes the cheapest.
    readout : probability to read a bit as the other one.
    trajectories : number of random ones, over which circuits with errors are averaged; None for the exact average, from
        density matrices, which takes the square of the memory.

    Shapes
    ------
    inputs (B, n_inputs) and weights (n_weights,) -> (B, n_outputs); float32 inputs are computed in complex64,
    float64 in complex128.

    Raises
    ------
    ConfigError : the state does not fit into memory, or the circuit has no matrix.
    """

    columns: Tensor

    def __init__(self, circuit: Circuit, route: Route = "auto", readout: float = 0.0, trajectories: int | None = None):
        super().__init__()
        if not has_errors(circuit.operations):
            trajectories = None
        self.is_random, self.copies = trajectories is not None, trajectories or 1
        is_mixed = has_errors(circuit.operations) and not self.is_random
        check_memory(largest_cone(circuit), 0, self.copies, is_mixed)  # laying out a large circuit takes long
        stacks = _choose(circuit, route)
        for stack in stacks:
            kept = states_kept(stack.operations) + 2 * len(stack.observables)
            check_memory(stack.n_qubits, kept, self.copies, is_mixed)
        self.parts = ModuleList(
            Expectation(
                stack,
                route == "matrix" or (route != "gates" and prefers_matrix(stack)),
                readout,
                draws=self.is_random,
            )
            for stack in stacks
        )
        columns = torch.tensor([c for stack in stacks for piece in stack.columns for c in piece]).argsort()
        self.in_order = columns.equal(torch.arange(len(columns)))
        self.register_buffer("columns", columns, persistent=False)

    def forward(self, inputs: Tensor, weights: Tensor) -> Tensor:
        rows = max(AT_ONCE // (self.copies * sum(part.amplitudes for part in self.parts)), 1)
        if is_exported() or len(inputs) <= rows:
            return self._evaluate(inputs, weights)
        pieces = inputs.split(rows)
        return torch.cat(
            [
                checkpoint(self._evaluate, piece, weights, use_reentrant=False, preserve_rng_state=self.is_random)
                for piece in pieces
            ]
        )

    def _evaluate(self, inputs: Tensor, weights: Tensor) -> Tensor:
        with full_precision(inputs):
            x = inputs.repeat(self.copies, 1).T
            trigonometry = torch.stack([x, torch.cos(x / 2), torch.sin(x / 2)], dim=1)
            found = [part(trigonometry, weights.double()).flatten(0, 1) for part in self.parts]
            together = torch.cat(found) if len(found) > 1 else found[0]
            together = together.unflatten(1, (self.copies, len(inputs))).mean(1) if self.is_random else together
            return (together if self.in_order else together.index_select(0, self.columns)).T


def check_memory(n_qubits: int, kept: int = 0, copies: int = 1, is_mixed: bool = False) -> None:
    """Check that a few states in double precision, and `kept` more, fit into this machine's memory.

    Parameters
    ----------
    copies : number of random trajectories of each example.
    is_mixed : the states are density matrices.

    Raises
    ------
    ConfigError : they do not.
    """
    what = f"a circuit of {n_qubits} qubits"
    remedy = "use fewer qubits, or fewer layers so that each observable depends on fewer"
    if is_mixed:
        what, remedy = f"the density matrix of {what}", f"set backend.trajectories=100, {remedy}"
    elif copies > 1:
        what, remedy = f"{what} with {copies:,} trajectories", f"use fewer trajectories, {remedy}"
    require(copies * (4 + kept) * 16 * 2 ** (2 * n_qubits if is_mixed else n_qubits), what, remedy)


def states_kept(operations: tuple[Operation, ...]) -> int:
    """Number of states that a gradient keeps, one after each gate; 0 if nothing has a gradient."""
    trained = any(isinstance(p, Input | Weight) for operation in operations for p in operation.parameters)
    return len(operations) if trained else 0


def _choose(circuit: Circuit, route: Route) -> list[Stack]:
    one = [whole(circuit)]
    if route == "matrix" and not has_matrix(one[0]):
        raise ConfigError(
            f"backend.route=matrix: the circuit of {circuit.n_qubits} qubits has errors, or reads inputs as "
            "amplitudes, in controlled gates, or in too many gates, to be one matrix; use backend.route=auto"
        )
    if route in ("gates", "matrix"):
        return one
    cones = light_cones(circuit)
    return cones if route == "cones" or sum(map(cost, cones)) < sum(map(cost, one)) else one
