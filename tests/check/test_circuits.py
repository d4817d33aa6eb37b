"""Gradients, expressibility and entanglement of circuits, where there is a closed form."""

import numpy as np
import pytest

from hepexp.check.ansatz import ansatz_of
from hepexp.check.circuits import MOST_QUBITS, circuits_of, describe, described, left_out, sizes, states, variance
from hepexp.quantum.circuit import Circuit, Operation, Pauli, Weight, z_on
from hepexp.quantum.gate_list import GateList
from hepexp.quantum.layered import ANSAETZE, Layered
from hepexp.quantum.statevector import StateVector
from hepexp.quantum.templates import fidelity_circuit, pair_circuit, siamese_circuit


@pytest.mark.parametrize("n", [1, 3, 6])
def test_the_variance_of_a_product_of_rotations_has_its_closed_form(n):
    """<Z..Z> = prod cos t_k: a derivative has the variance 2^-n; <Z_0> = cos t_0 depends on one of n angles."""
    gates = tuple(Operation("RY", (k,), (Weight(k),)) for k in range(n))
    circuit = Circuit(n, gates, (Pauli("Z", (0,)), Pauli("Z" * n, tuple(range(n)))))
    (local, local_err), (whole, whole_err) = variance(circuit, seed=1, n=4000)
    assert local == pytest.approx(0.5 / n, abs=5 * local_err)
    assert whole == pytest.approx(2.0**-n, abs=5 * whole_err)
    assert whole_err < 0.1 * whole


def test_the_variance_over_a_controlled_rotation_is_that_over_its_whole_period():
    """<Z_0> is (cos t -+ sin(t / 2)) / 2; over 2 pi alone the two parts of its derivative would not be orthogonal."""
    gates = ["H 0", "CRZ(w0) 0 1", "RX(pi/2) 0", "RX(w0) 2", "H 3", "CSWAP 3 0 2"]
    (found, error), _ = variance(GateList(gates, ["Z 0", "Z 1"]), seed=1, n=4000)
    assert found == pytest.approx(1 / 8 + 1 / 32, abs=5 * error)
    assert error < 0.01


def test_circuits_are_described_without_their_own_errors():
    backend = StateVector()
    backend.layer(GateList(["RX(x0) 0", "RY(w0) 0", "Depolarising(0.1) 0", "CNOT 0 1"]), name="noisy")
    exact = GateList(["RX(x0) 0", "RY(w0) 0", "CNOT 0 1"])
    assert circuits_of(backend)["noisy"] == Circuit(2, exact.operations, exact.observables)
    found = states(circuits_of(backend)["noisy"], seed=1)
    assert found["entanglement"] == pytest.approx(0.5, abs=5 * found["entanglement_err"])  # Q = sin^2 w


@pytest.mark.parametrize("ansatz", ANSAETZE)
@pytest.mark.parametrize("n_layers", [1, 3])
def test_the_layers_of_a_template_are_recognised(ansatz, n_layers):
    found = ansatz_of(Layered(4, n_layers, ansatz))
    assert (found.name, found.n_qubits, found.n_layers, found.resizes) == (ansatz, 4, n_layers, True)
    assert found.measuring(6, 2).n_qubits == 6


@pytest.mark.parametrize(("circuit", "name"), [(pair_circuit(6, 2), "brick"), (siamese_circuit(), "basic_entangler")])
def test_so_are_those_of_the_tasks(circuit, name):
    assert ansatz_of(circuit).name == name


def test_other_circuits_are_repeated():
    circuit = fidelity_circuit(2, 1)
    found = ansatz_of(circuit)
    assert not found.resizes
    assert found.measuring(6, 3).n_weights == 3 * circuit.n_weights
    assert {n for n, _ in sizes(found)} == {6}


def test_states_of_one_qubit_that_rot_spreads_evenly_are_expressive():
    """Rot has Haar-random states but for the measure of its middle angle; RY alone stays on a circle."""
    free = Circuit(1, (Operation("Rot", (0,), (Weight(0), Weight(1), Weight(2))),), z_on([0]))
    circle = Circuit(1, (Operation("RY", (0,), (Weight(0),)),), z_on([0]))
    found, alone = states(free, seed=1), states(circle, seed=1)
    assert found["expressibility"] < alone["expressibility"]
    # fidelities cos^2(t / 2) of uniform t: the divergence of their arcsine law from a uniform one is ln 4 - ln pi
    assert alone["expressibility"] == pytest.approx(np.log(4 / np.pi), abs=0.06)
    assert found["entanglement"] == 0


def test_circuits_that_are_too_large_are_named_and_the_others_described():
    backend = StateVector()
    backend.layer(Layered(2, 1, "strongly_entangling"), name="small")
    backend.layer(Layered(MOST_QUBITS + 1, 1, "strongly_entangling"), name="large")
    trained = circuits_of(backend)
    assert list(described(trained)) == ["small"]
    assert left_out(trained).startswith("circuits of more than 10 qubits take too long to describe: large (11 qubits);")
    assert left_out(described(trained)) == ""


def test_gradients_of_deep_circuits_fall_with_the_number_of_qubits():
    backend = StateVector()
    backend.layer(Layered(2, 2, "strongly_entangling"), name="own")
    found = describe(circuits_of(backend), seed=1, done=lambda what: None)["own"]
    at = {(row["n_qubits"], row["n_layers"]): row["variance_local"] for row in found["gradients"]}
    assert at[8, 16] < at[4, 16] / 4 < at[2, 16] / 8
    assert at[8, 16] == pytest.approx(0.5 / 2**8, rel=0.5)  # of a random state: about 2^-n / 2
