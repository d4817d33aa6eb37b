"""How evenly random angles of a circuit spread its states, and how entangled these are.

References
----------
S. Sim, P. D. Johnson, A. Aspuru-Guzik, arXiv:1905.10876; D. A. Meyer, N. R. Wallach, J. Math. Phys. 43 (2002) 4273;
G. K. Brennen, arXiv:quant-ph/0305094 (the purity form).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from hepexp.quantum.circuit import Circuit, Input, Parameter, Weight

ROUNDING = 16  # units in the last place of 1 that the purity of a product state may be off by


def freed(circuit: Circuit) -> Circuit:
    """The circuit with its weights as further inputs, after those that it has: an angle of its own for each example."""

    def free(parameter: Parameter) -> Parameter:
        return Input(circuit.n_inputs + parameter.index) if isinstance(parameter, Weight) else parameter

    operations = tuple(replace(op, parameters=tuple(map(free, op.parameters))) for op in circuit.operations)
    return Circuit(circuit.n_qubits, operations, circuit.observables, circuit.amplitudes)


def entanglement(psi: Tensor) -> Tensor:
    """Meyer and Wallach's Q = 2 (1 - mean over qubits k of Tr rho_k^2) of states (B, 2^n) -> (B,), from 0 to 1."""
    purities = []
    for wire in range(psi.shape[-1].bit_length() - 1):
        zero, one = psi.unflatten(-1, (2**wire, 2, -1)).unbind(-2)
        weights = torch.stack([zero.abs().square().sum((-2, -1)), one.abs().square().sum((-2, -1))])
        off = (zero.conj() * one).sum((-2, -1)).abs().square()
        purities.append(weights.square().sum(0) + 2 * off)
    q = 2 * (1 - torch.stack(purities).mean(0))
    return torch.where(q < ROUNDING * torch.finfo(q.dtype).eps, 0, q)


def haar_bins(n_qubits: int, n_bins: int) -> np.ndarray:
    """Logarithms (n_bins,) of the probabilities that F of two Haar-random states is in each of equal bins of [0, 1].

    P(F > f) = (1 - f)^(N - 1) with N = 2^n, so a bin from a to b has (1 - a)^(N - 1) - (1 - b)^(N - 1).
    """
    left = 1 - np.arange(n_bins) / n_bins
    right = left - 1 / n_bins
    right[-1] = 0
    power = 2**n_qubits - 1
    return power * np.log(left) + np.log1p(-((right / left) ** power))


def divergence(counts: np.ndarray, log_haar: np.ndarray) -> float:
    """Kullback-Leibler divergence of a histogram of fidelities (n_bins,) from that of Haar-random states."""
    p = counts / counts.sum()
    there = p > 0
    return float(p[there] @ (np.log(p[there]) - log_haar[there]))
