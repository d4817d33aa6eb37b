"""Fidelities of all pairs against swap tests, density matrices and closed forms; the size of their gradients."""

from __future__ import annotations

import math

import pytest
import torch
from torch.testing import assert_close

from hepexp.quantum import templates
from hepexp.quantum.circuit import Circuit, z_on
from hepexp.quantum.fidelity import (
    bloch_vectors,
    fidelities,
    fidelity,
    sums_of_local_fidelities,
)
from hepexp.quantum.pennylane import PennyLane
from hepexp.quantum.statevector import StateVector


def random_states(n_states: int, n_qubits: int, seed: int = 0) -> torch.Tensor:
    psi = torch.randn(n_states, 2**n_qubits, dtype=torch.complex128, generator=torch.Generator().manual_seed(seed))
    return psi / psi.norm(dim=1, keepdim=True)


def local_fidelities(r: torch.Tensor, s: torch.Tensor) -> torch.Tensor:
    """F_k (A, B, n) of all pairs, one by one."""
    return torch.stack([torch.stack([(1 + (a * b).sum(-1)) / 2 for b in s]) for a in r])


def test_the_gram_matrix_holds_the_overlap_of_each_pair():
    psi, phi = random_states(3, 4), random_states(5, 4, seed=1)
    found = fidelities(psi, phi)
    for a in range(3):
        for b in range(5):
            assert_close(found[a, b], torch.vdot(psi[a], phi[b]).abs() ** 2)
    assert_close(fidelity(psi, phi[:3]), found[:, :3].diagonal())
    assert_close(fidelity(psi, psi), torch.ones(3, dtype=torch.float64))


def test_local_fidelities_are_traces_of_products_of_reduced_density_matrices():
    n, psi, phi = 3, random_states(2, 3), random_states(4, 3, seed=1)

    def reduced(state: torch.Tensor, qubit: int) -> torch.Tensor:
        own_first = state.view(2, 2, 2).movedim(qubit, 0).reshape(2, -1)
        return own_first @ own_first.conj().T

    expected = torch.tensor([[[torch.trace(reduced(a, k) @ reduced(b, k)).real for k in range(n)] for b in phi]
                             for a in psi], dtype=torch.float64)  # fmt: skip
    r, s = bloch_vectors(psi), bloch_vectors(phi)
    assert_close(local_fidelities(r, s), expected)
    assert_close(sums_of_local_fidelities(r, s), expected.sum(-1))


@pytest.mark.parametrize("backend", [StateVector(), PennyLane()])
def test_swap_tests_measure_the_same_fidelities(backend):
    """<Z> of the ancilla of a whole register is F, that of an ancilla for each pair of qubits F_k."""
    n = 2
    angles, weights = torch.randn(2, n, dtype=torch.float64), torch.randn(n, dtype=torch.float64)
    psi = StateVector().states(templates.state_circuit(n, 1, reupload=False), angles, weights)
    both = angles.reshape(1, 2 * n)
    pairwise = backend.layer(templates.fidelity_circuit(n)).double()
    pairwise.weights.data = weights
    r = bloch_vectors(psi)
    assert_close(pairwise(both)[0], local_fidelities(r[:1], r[1:])[0, 0], rtol=0, atol=1e-9)
    a, b = range(1, 1 + n), range(1 + n, 1 + 2 * n)
    prepared = [templates.angle_encoding(a, "RY", hadamard=True), templates.angle_encoding(b, "RY", True, n)]
    prepared += [templates.pair_block(a, 1), templates.pair_block(b, 1), templates.swap_test(0, a, b)]
    register = backend.layer(Circuit(1 + 2 * n, sum(prepared, ()), z_on([0]))).double()
    register.weights.data = weights
    assert_close(register(both)[0, 0], fidelities(psi[:1], psi[1:])[0, 0], rtol=0, atol=1e-9)


def dense_state(angles: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """E V E |0> on two wires from kron products: H and RY on each, CNOT, RY(theta) on each, RY again."""

    def ry(angle: torch.Tensor) -> torch.Tensor:
        c, s = torch.cos(angle / 2), torch.sin(angle / 2)
        return torch.stack([torch.stack([c, -s]), torch.stack([s, c])])

    def on_each(values: torch.Tensor) -> torch.Tensor:
        return torch.kron(ry(values[0]), ry(values[1]))

    plus = torch.full((4,), 0.5, dtype=torch.float64)  # H on each wire of |00>
    cnot = torch.eye(4, dtype=torch.float64)[[0, 1, 3, 2]]
    phases = torch.stack([torch.complex(torch.zeros_like(a), sign * a / 2).exp() for a in angles for sign in (-1, 1)])
    return torch.kron(phases[:2], phases[2:]) * (on_each(weights) @ cnot @ on_each(angles) @ plus)


def test_gradients_are_those_of_dense_matrices():
    torch.manual_seed(1)
    angles = torch.randn(3, 2, dtype=torch.float64, requires_grad=True)
    weights = torch.randn(2, dtype=torch.float64, requires_grad=True)
    along = torch.randn(3, 3, dtype=torch.float64)
    psi = StateVector().states(templates.state_circuit(2, 1), angles, weights)
    r = bloch_vectors(psi)
    dense = torch.stack([dense_state(row, weights) for row in angles])
    tensor = dense.view(3, 2, 2)
    rho = [torch.einsum("aij,akj->aik", tensor, tensor.conj()), torch.einsum("aji,ajk->aik", tensor, tensor.conj())]
    local = sum(torch.einsum("aij,bji->ab", one, one).real for one in rho)
    pairs = [(fidelities(psi, psi), (dense.conj() @ dense.T).abs() ** 2), (sums_of_local_fidelities(r, r), local)]
    for ours, reference in pairs:
        assert_close(ours, reference)
        found, expected = (torch.autograd.grad((value * along).sum(), (angles, weights), retain_graph=True)
                           for value in (ours, reference))  # fmt: skip
        assert_close(found, expected)


def test_a_fidelity_of_registers_has_exponentially_small_gradients_and_local_ones_have_not():
    """Product states of independent angles: sqrt(1/8) (3/8)^((n - 1)/2) against sqrt(1/8) / n."""
    torch.manual_seed(0)
    for n, tolerance in ((2, 0.1), (5, 0.2), (8, 0.4)):
        a, b = 2 * math.pi * torch.rand(2, 1000, n, dtype=torch.float64)
        a.requires_grad_()
        circuit, nothing = templates.state_circuit(n, 0), torch.zeros(0, dtype=torch.float64)
        psi, phi = (StateVector().states(circuit, angles, nothing) for angles in (a, b))
        local = ((1 + (bloch_vectors(psi) * bloch_vectors(phi)).sum(-1)) / 2).mean(1)
        sizes = [
            torch.autograd.grad(value.sum(), a, retain_graph=True)[0].square().mean().sqrt().item()
            for value in (fidelity(psi, phi), local)
        ]
        assert sizes[0] == pytest.approx(math.sqrt(1 / 8) * (3 / 8) ** ((n - 1) / 2), rel=tolerance)
        assert sizes[1] == pytest.approx(math.sqrt(1 / 8) / n, rel=0.05)


@pytest.mark.parametrize(("reupload", "counting"), [(True, [True, True]), (False, [False, False])])
def test_trained_angles_count_where_an_encoding_follows_them(reupload, counting):
    """Of two blocks, in the fidelity of registers. In pairwise tests all but the last rotations count in any case."""
    n, generator = 3, torch.Generator().manual_seed(0)
    angles = torch.rand(2, n, dtype=torch.float64, generator=generator)
    weights = torch.rand(2 * n, dtype=torch.float64, generator=generator).requires_grad_()

    def effects(kind: str) -> list[bool]:
        psi = StateVector().states(templates.state_circuit(n, 2, reupload), angles, weights)
        r = bloch_vectors(psi)
        found = fidelity(psi[:1], psi[1:]) if kind == "register" else sums_of_local_fidelities(r[:1], r[1:])
        (gradient,) = torch.autograd.grad(found.sum(), weights)
        return [bool((block.abs() > 1e-9).all()) for block in gradient.chunk(2)]

    assert effects("register") == counting
    assert effects("pairwise") == [True, reupload]
