"""Circuits a second, forward and backward: our simulation against PennyLane's default.qubit with backprop.

Both get the same weights and angles in single precision, PennyLane by parameter broadcasting. The floor of the matrix
route is its product: 2^n inputs times 2 * 2^n outputs times 6 operations a circuit forward and backward, 0.8 MFLOP for
8 qubits and 12.6 for 10; at the 180 GFLOP/s that two cores reach in such products, 230,000 and 14,000 circuits/s. A
4-qubit light cone is 16 x 16, so that the 10 of phi_e cost 15 kFLOP; what bounds them is the passes over memory.
"""

from __future__ import annotations

import time
from statistics import median

import torch
from torch import Tensor, nn

from hepexp.quantum.circuit import Circuit
from hepexp.quantum.pennylane import PennyLane
from hepexp.quantum.statevector import StateVector
from hepexp.quantum.templates import pair_circuit, strongly_entangling_circuit

# case -> qubits and layers of strongly entangling layers (None: the 10-qubit phi_e of QMLHEP V), batch
CASES: dict[str, tuple[tuple[int, int] | None, int]] = {
    "q4_l3_b4096": ((4, 3), 4096),
    "q8_l3_b4096": ((8, 3), 4096),
    "q10_l3_b1024": ((10, 3), 1024),
    "phi_e_b16384": (None, 16384),
}


def rows(cases: list[str] | None = None, repeats: int = 5, reference_amplitudes: int = 2**20) -> list[dict]:
    """Circuits per second: medians over steps, one of each implementation in turn, after one that warms up.

    Parameters
    ----------
    cases : names out of CASES; all when not given.
    repeats : steps of each.
    reference_amplitudes : largest batch of the reference, in amplitudes; each gate keeps 16 bytes for each.
    """
    found = []
    for case in cases or CASES:
        size, batch = CASES[case]
        circuit = pair_circuit(10, 1) if size is None else strongly_entangling_circuit(*size)
        found += _measure(case, circuit, batch, repeats, reference_amplitudes)
    return found


def _measure(case: str, circuit: Circuit, batch: int, repeats: int, reference_amplitudes: int) -> list[dict]:
    torch.manual_seed(1)
    layers: dict[str, nn.Module] = {"hepexp": StateVector().layer(circuit), "pennylane": PennyLane().layer(circuit)}
    layers["pennylane"].load_state_dict(layers["hepexp"].state_dict())
    angles = 3 * torch.rand(batch, circuit.n_inputs)
    inputs = {"hepexp": angles, "pennylane": angles[: reference_amplitudes // 2**circuit.n_qubits]}
    rates: dict[str, list[float]] = {name: [] for name in layers}
    for repeat in range(1 + repeats):
        for name, layer in layers.items():
            seconds = _step(layer, inputs[name].clone().requires_grad_())
            if repeat:
                rates[name].append(len(inputs[name]) / seconds)
    return [{"case": case, "implementation": name, "per_second": median(rate)} for name, rate in rates.items()]


def _step(layer: nn.Module, angles: Tensor) -> float:
    start = time.perf_counter()
    layer(angles).square().sum().backward()
    return time.perf_counter() - start
