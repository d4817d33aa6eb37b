"""Circuits a second, forward and backward: our simulation against PennyLane's, and DeepQuantum's where it is installed.

All get the same weights and angles in single precision. The references are slow, and those that take a batch at once
keep it after each gate, so they get smaller batches; a row says how many circuits its steps had. PennyLane's
default.qubit takes a batch by parameter broadcasting, lightning.qubit circuit by circuit.

The floor of the matrix route is its product: 2^n inputs times 2 * 2^n outputs times 6 operations a circuit forward and
backward, 0.8 MFLOP for 8 qubits and 12.6 for 10; at the 180 GFLOP/s that two cores reach in such products, 230,000
and 14,000 circuits/s. A 4-qubit light cone is 16 x 16, so that the 10 of phi_e cost 15 kFLOP; what bounds them is the
passes over memory.
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

from hepexp.bench.deepquantum_layer import DeepQuantumLayer
from hepexp.quantum.circuit import Circuit
from hepexp.quantum.pennylane import PennyLane
from hepexp.quantum.statevector import StateVector
from hepexp.quantum.templates import pair_circuit, strongly_entangling_circuit

# case -> qubits and layers of strongly entangling layers (None: the 10-qubit phi_e of QMLHEP V), batch
CASES: dict[str, tuple[tuple[int, int] | None, int]] = {
    f"q{n}_l{layers}_b{batch}": ((n, layers), batch) for n, layers, batch in product((4, 8, 10), (1, 3), (1024, 16384))
} | {"q8_l3_b4096": ((8, 3), 4096), "phi_e_b16384": (None, 16384)}


@dataclass(frozen=True)
class Implementation:
    """One way to evaluate a circuit.

    Parameters
    ----------
    layer : (circuit, weights) -> a module of angles (B, n_inputs).
    largest : batch that it gets at most, for a number of qubits.
    """

    layer: Callable[[Circuit, Tensor], nn.Module]
    largest: Callable[[int], int]


def implementations() -> dict[str, Implementation]:
    """Those that are installed, ours first."""
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
    """Circuits per second: medians over steps, one of each implementation in turn, after one that warms up.

    Parameters
    ----------
    cases : names out of CASES; all when not given.
    repeats : steps of each.
    """
    found = []
    for case in cases or CASES:
        size, batch = CASES[case]
        circuit = pair_circuit(10, 1) if size is None else strongly_entangling_circuit(*size)
        found += _measure(case, circuit, batch, repeats)
    return found


def _measure(case: str, circuit: Circuit, batch: int, repeats: int) -> list[dict]:
    torch.manual_seed(1)
    weights, angles = torch.rand(circuit.n_weights), 3 * torch.rand(batch, circuit.n_inputs)
    known = implementations()
    layers = {name: one.layer(circuit, weights) for name, one in known.items()}
    inputs = {name: angles[: one.largest(circuit.n_qubits)] for name, one in known.items()}
    rates: dict[str, list[float]] = {name: [] for name in known}
    for repeat in range(1 + repeats):
        for name, layer in layers.items():
            seconds = _step(layer, inputs[name].clone().requires_grad_())
            if repeat:
                rates[name].append(len(inputs[name]) / seconds)
    return [
        {"case": case, "implementation": name, "per_second": median(rate), "batch": len(inputs[name])}
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
