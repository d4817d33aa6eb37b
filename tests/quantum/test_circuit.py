"""Circuits are checked when they are made, and drawn."""

from __future__ import annotations

import pytest

from hepexp import figures
from hepexp.errors import ConfigError
from hepexp.quantum import draw, templates
from hepexp.quantum.circuit import Circuit, Input, Operation, Pauli, Projector, Weight, z_on
from hepexp.quantum.gate_list import GateList
from hepexp.quantum.layered import Layered
from hepexp.quantum.simulator import Simulator
from hepexp.quantum.statevector import StateVector
from tests.quantum.random_circuits import any_gates

Z = z_on([0])


@pytest.mark.parametrize(
    ("operations", "observables", "message"),
    [
        ([Operation("CNOT", (1, 2))], Z, "CNOT on wire 2: a circuit of 2 qubits has wires 0 to 1"),
        ([Operation("CNOT", (1, 1))], Z, r"CNOT on wires \(1, 1\): they must differ"),
        ([Operation("RX", (0,))], Z, "gate RX takes 1 parameter, got 0"),
        ([Operation("CSWAP", (0, 1))], Z, "gate CSWAP takes 3 wires, got 2"),
        ([Operation("CNOTT", (0, 1))], Z, "unknown gate 'CNOTT'; did you mean CNOT"),
        ([Operation("RX", (0,), (Weight(1),))], Z, "no gate uses weight 0, but one uses weight 1"),
        ([Operation("RX", (0,), (Input(2),)), Operation("RX", (0,), (Input(0),))], Z, "no gate uses input 1"),
        ([Operation("RX", (0,), (Input(-1),))], Z, "must count from 0"),
        ([], z_on([2]), "wire 2: a circuit of 2 qubits"),
        ([], (), "needs at least one observable"),
        ([], (Pauli("Q", (0,)),), r"needs one letter \(X, Y, Z\) for each of its wires"),
        ([], (Pauli("ZZ", (0,)),), "needs one letter"),
        ([], (Projector((2,), (0,)),), r"needs one bit \(0, 1\)"),
    ],
)
def test_what_does_not_fit_is_named(operations, observables, message):
    with pytest.raises(ConfigError, match=message):
        Circuit(2, tuple(operations), observables)


@pytest.mark.parametrize(("n_qubits", "n_layers"), [(10**6, 3), (10**20, 1), (4, 10**9)])
def test_a_circuit_that_nobody_could_evaluate_is_refused_before_it_is_laid_out(n_qubits, n_layers):
    for name in ("strongly_entangling_circuit", "siamese_circuit", "pair_circuit", "fidelity_circuit"):
        with pytest.raises(
            ConfigError, match=r"is too large: at most .* this machine has memory for states of \d+ qubits"
        ):
            getattr(templates, name)(n_qubits, n_layers)


def test_a_state_larger_than_the_memory_is_refused_unless_light_cones_are_small():
    with pytest.raises(ConfigError, match=r"a circuit of 60 qubits needs .* GB of memory and this machine has"):
        Simulator(templates.siamese_circuit(60, 2))
    assert StateVector().layer(templates.pair_circuit(60, 1)).weights.shape == (60,)


def test_a_circuit_that_is_no_matrix_says_so():
    circuit = Circuit(2, (Operation("CRX", (0, 1), (Input(0),)),), Z)
    with pytest.raises(ConfigError, match=r"backend.route=matrix: .* use backend.route=auto"):
        StateVector("matrix").layer(circuit)


@pytest.mark.parametrize(
    ("circuit", "n_qubits", "n_inputs", "n_weights"),
    [
        (templates.siamese_circuit(4, 3), 4, 4, 12),
        (templates.pair_circuit(10, 1), 10, 10, 10),
        (templates.strongly_entangling_circuit(8, 3), 8, 8, 72),
        (templates.fidelity_circuit(4), 12, 8, 4),
        (templates.QmlHep1A(), 5, 0, 0),
        (templates.QmlHep1B(), 5, 0, 0),
    ],
)
def test_the_documents_circuits_have_their_sizes(circuit, n_qubits, n_inputs, n_weights):
    assert (circuit.n_qubits, circuit.n_inputs, circuit.n_weights) == (n_qubits, n_inputs, n_weights)


def test_two_wires_have_one_cnot_and_one_has_none():
    for n, count in [(1, 0), (2, 1), (3, 3)]:
        assert [op.name for op in templates.basic_entangler(range(n), 1)].count("CNOT") == count
    assert [op.name for op in templates.strongly_entangling(range(2), 1)].count("CNOT") == 2


def test_registers_of_a_swap_test_are_equally_long():
    with pytest.raises(ConfigError, match="registers of equal size, got 1 and 2"):
        templates.swap_test(0, [1], [2, 3])


def test_drawn_as_text():
    assert draw.text(templates.QmlHep1B()) == (
        "0: ─────H─────●──●──H── ⟨Z⟩\n"
        "1: ─────H─────x──│─────\n"
        "2: ──RX(π/3)──│──x─────\n"
        "3: ─────H─────x──│─────\n"
        "4: ─────H────────x─────"
    )


def test_every_gate_and_observable_is_drawn(tmp_path):
    circuit = any_gates(1)
    text = draw.text(circuit)
    assert all(f"x{k}" in text for k in range(circuit.n_inputs))
    assert all(f"θ{k}" in text for k in range(circuit.n_weights))
    assert "P(10 on " in text
    draw.save(circuit, tmp_path / "circuit.png")
    assert (tmp_path / "circuit.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    "circuit",
    [
        Layered(10, 1, "brick", "RY", observables="ZZ"),
        Layered(3, 2, encoding="amplitude", observables="ZZ"),
        Layered(2, 1, observables="state"),
        GateList(["RX(x0) 0", *["Rot(w0, w1, w2) 1", "CNOT 0 1"] * 600]),
    ],
    ids=["45 pairs", "amplitudes", "state", "1,201 gates"],
)
def test_all_that_is_written_is_inside_the_drawing(circuit, monkeypatch, tmp_path):
    drawn = []
    monkeypatch.setattr(figures, "_show_as_written", drawn.append)
    draw.save(circuit, tmp_path / "circuit.png")
    (figure,) = drawn
    figure.draw_without_rendering()  # at its own resolution, not that of the file
    texts = [text for text in figure.axes[0].texts if text.get_text()]
    for text in texts:
        box, whole = text.get_window_extent(), figure.bbox
        assert whole.x0 <= box.x0 < box.x1 <= whole.x1, text
        assert whole.y0 <= box.y0 < box.y1 <= whole.y1, text
    assert figure.get_figheight() < 1.1 * draw.TALLEST
    names = [draw._name(item) for item in circuit.observables if len(item.wires) > 1]
    assert " ".join(names) in " ".join(text.get_text().replace("  ", " ") for text in texts)


def test_what_is_left_out_of_a_drawing_is_counted():
    lines = draw.text(GateList(["H 0", "CNOT 0 1"] * (draw.LONGEST // 2) + ["X 0"] * 3)).splitlines()
    assert [lines[0][-1], lines[1][-1], *lines[2:]] == ["…", "…", "and 3 more gates"]
    assert draw._in_lines(["<Z0 Z1>"] * 3, 1.5) == ["<Z0 Z1>  <Z0 Z1>", "<Z0 Z1>"]
    *lines, last = draw._in_lines(["<Z0 Z1>"] * 100, 1.5)
    assert len(lines) == draw.MOST_BELOW
    assert last == f"and {100 - 2 * draw.MOST_BELOW} more"
