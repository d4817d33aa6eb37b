"""Fidelities of state vectors: of all pairs of two batches in one matrix product.

Two swap tests measure them. That of whole registers has <Z> = F = |<psi|phi>|^2 of its ancilla; pairwise ones, an
ancilla for each pair of qubits, have <Z_k> = F_k = Tr(rho_k sigma_k), the overlap of the reduced states of qubits k.

Vanishing gradients. A fidelity of registers is a global quantity: between unrelated states of n qubits it is of the
order of 2^-n, and so is its gradient. For product states of n independent angles, for example,
F = prod_k cos^2(delta_k / 2), and dF/dangle has the root mean square sqrt(1/8) (3/8)^((n - 1)/2). An encoder whose
first states are far apart therefore learns nothing from F once n is large. What helps:

- local fidelities: in the mean of F_k each term depends on its qubit alone, if the circuit is shallow, and the same
  derivative is sqrt(1/8) / n. S = (sum_k F_k + eps)^2 ranks pairs by them, and eps > 0 keeps its factor
  2 (sum_k F_k + eps) above zero where all F_k vanish;
- a small depth: in d even/odd blocks qubit k sees 4 d - 1 others at most; deep circuits make all reduced states
  maximally mixed, F_k = 1/2, and their gradients vanish as well;
- few qubits: up to about 6, F itself is trainable.

References
----------
Buhrman et al., arXiv:quant-ph/0102001 (swap test); McClean et al., arXiv:1803.11173, and Cerezo et al.,
arXiv:2001.00550 (vanishing gradients of global and local quantities).
"""

from __future__ import annotations

import torch
from torch import Tensor

from hepexp.precision import full_precision


def fidelities(psi: Tensor, phi: Tensor) -> Tensor:
    """F = |<psi_a|phi_b>|^2 (..., A, B) of all pairs of states (..., A, 2^n) and (..., B, 2^n)."""
    with full_precision(psi):
        return _squared(psi.conj() @ phi.mT)


def fidelity(psi: Tensor, phi: Tensor) -> Tensor:
    """F = |<psi_b|phi_b>|^2 (B,) of the states (B, 2^n) in the same row."""
    return _squared((psi.conj() * phi).sum(-1))


def bloch_vectors(psi: Tensor) -> Tensor:
    """<X>, <Y>, <Z> (..., n, 3) of each qubit of states (..., 2^n); wire 0 is the most significant bit."""
    n = psi.shape[-1].bit_length() - 1
    found = []
    for wire in range(n):
        zero, one = psi.unflatten(-1, (2**wire, 2, -1)).unbind(-2)
        off = (zero.conj() * one).sum((-2, -1))
        difference = (_squared(zero) - _squared(one)).sum((-2, -1))
        found.append(torch.stack([2 * off.real, 2 * off.imag, difference], dim=-1))
    return torch.stack(found, dim=-2)


def sums_of_local_fidelities(r: Tensor, s: Tensor) -> Tensor:
    """sum_k F_k (..., A, B) of all pairs, F_k = Tr(rho_k sigma_k) = (1 + r_k s_k) / 2 of their qubits' Bloch vectors.

    One matrix product of r (..., A, n, 3) as (A, 3 n) and s (..., B, n, 3) as (3 n, B).
    """
    with full_precision(r):
        return (r.shape[-2] + r.flatten(-2) @ s.flatten(-2).mT) / 2


def _squared(amplitude: Tensor) -> Tensor:
    return amplitude.real.square() + amplitude.imag.square()
