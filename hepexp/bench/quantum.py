"""Circuits per second, forward and backward: our simulation vs PennyLane's, and DeepQuantum's if it is installed.

All use the same weights and angles in single precision. The references are slow, and those that process a whole batch
at once store the state after each gate, so they are given smaller batches; each row says how many circuits a step had.
PennyLane's default.qubit processes a batch by parameter broadcasting, lightning.qubit circuit by circuit.

The theoretical limit of the matrix method is the matrix product: 2^n inputs times 2 * 2^n outputs times 6 operations
per circuit, forward and backward, or 0.8 MFLOP for 8 qubits and 12.6 for 10; at the 180 GFLOP/s that two cores reach
in such products, 230,000 and 14,000 circuits/s. A 4-qubit light cone is a 16 x 16 matrix, so the 10 light cones of
phi_e cost 15 kFLOP and are limited by memory access.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import product
from statistics import median

import torch
from torch import Tensor, nn

from hepexp.bench import quantum_states
from hepexp.bench.deepquantum_layer import DeepQuantumLayer
from hepexp.quantum.circuit import Circuit
from hepexp.quantum.pennylane import PennyLane
from hepexp.quantum.statevector import StateVector
from hepexp.quantum.templates import pair_circuit, strongly_entangling_circuit

# case -> (numbers of qubits and of strongly entangling layers; None for the 10-qubit phi_e of QMLHEP V), batch size
CASES: dict[str, tuple[tuple[int, int] | None, int]] = {
    f"q{n}_l{layers}_b{batch}": ((n, layers), batch) for n, layers, batch in product((4, 8, 10), (1, 3), (1024, 16384))
} | {"q8_l3_b4096": ((8, 3), 4096), "phi_e_b16384": (None, 16384)}


@dataclass(frozen=True)
class Implementation:
    """One way to evaluate a circuit.

    Parameters
    ----------
    layer : (circuit, weights) -> a module of angles (B, n_inputs).
    largest : maximum batch size for a number of qubits.
    """

    layer: Callable[[Circuit, Tensor], nn.Module]
    largest: Callable[[int], int]


def implementations() -> dict[str, Implementation]:
    """The installed implementations, ours first."""
    made = {
        "statevector": Implementation(lambda circuit, w: _with(StateVector().layer(circuit), w), lambda n: 2**30),
        "default.qubit": Implementation(
            lambda circuit, w: _with(PennyLane().layer(circuit), w), lambda n: 2 ** (20 - n)
        ),
        "lightning.qubit": Implementation(
            lambda circuit, w: _with(PennyLane("lightning.qubit", "adjoint").layer(circuit), w), lambda n: 16
        ),
    }
    if find_spec("deepquantum"):
        made["deepquantum"] = Implementation(_deepquantum, lambda n: 2 ** (20 - n))
    return made


def rows(cases: list[str] | None = None, repeats: int = 5) -> list[dict]:
    """Circuits per second: medians over steps, alternating between implementations, after one step for warm-up.

    Parameters
    ----------
    cases : names from CASES and those of `quantum_states`; by default all.
    repeats : number of steps of each.
    """
    found = []
    for case in cases or [*CASES, *quantum_states.CASES]:
        torch.manual_seed(1)
        if case in quantum_states.CASES:
            made, floor = quantum_states.CASES[case]()
            found += [row | floor for row in _in_turn(case, made, repeats)]
            continue
        size, batch = CASES[case]
        circuit = pair_circuit(10, 1) if size is None else strongly_entangling_circuit(*size)
        found += _measure(case, circuit, batch, repeats)
    return found


def _measure(case: str, circuit: Circuit, batch: int, repeats: int) -> list[dict]:
    weights, angles = torch.rand(circuit.n_weights), 3 * torch.rand(batch, circuit.n_inputs)
    known = implementations()
    made = {}
    for name, one in known.items():
        inputs = angles[: one.largest(circuit.n_qubits)]
        made[name] = one.layer(circuit, weights), inputs, len(inputs)
    return _in_turn(case, made, repeats)


def _in_turn(case: str, made: quantum_states.Made, repeats: int) -> list[dict]:
    rates: dict[str, list[float]] = {name: [] for name in made}
    for repeat in range(1 + repeats):
        for name, (layer, inputs, n) in made.items():
            seconds = _step(layer, inputs.clone().requires_grad_())
            if repeat:
                rates[name].append(n / seconds)
    return [
        {"case": case, "implementation": name, "per_second": median(rate), "batch": len(made[name][1])}
        for name, rate in rates.items()
    ]


def _step(layer: nn.Module, angles: Tensor) -> float:
    start = time.perf_counter()
    layer(angles).square().sum().backward()
    return time.perf_counter() - start


def _with(layer: nn.Module, weights: Tensor) -> nn.Module:
    layer.load_state_dict({"weights": weights})
    return layer


def _deepquantum(circuit: Circuit, weights: Tensor) -> nn.Module:
    layer = DeepQuantumLayer(circuit)
    layer.take(weights)
    return layer
