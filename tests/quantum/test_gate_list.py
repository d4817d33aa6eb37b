"""Circuits that are written gate by gate."""

import re
from math import pi

import pytest

from hepexp.config import paths
from hepexp.errors import ConfigError
from hepexp.quantum import templates
from hepexp.quantum.circuit import Circuit, Input, Operation, Pauli, Probabilities, Projector, State, Weight
from hepexp.quantum.gate_list import GateList
from hepexp.quantum.gates import CHANNELS, GATES


def test_lines_are_gates_and_observables():
    made = GateList(
        ["H 0", "RX(x0) 1", "Rot(w0, -pi/2, 3 * pi/4) 0", " CSWAP 0,1 2", "PhaseShift( -1.5e-1 ) 2"],
        ["Z 2", "XY 0 1", "P(01) 2 0", "P 1 2"],
    )
    assert made.operations == (
        Operation("H", (0,)),
        Operation("RX", (1,), (Input(0),)),
        Operation("Rot", (0,), (Weight(0), -pi / 2, 3 * pi / 4)),
        Operation("CSWAP", (0, 1, 2)),
        Operation("PhaseShift", (2,), (-0.15,)),
    )
    assert made.observables == (Pauli("Z", (2,)), Pauli("XY", (0, 1)), Projector((0, 1), (2, 0)), Probabilities((1, 2)))


def test_a_template_written_as_a_list_is_the_same_circuit():
    made = GateList(["RX(x0) 0", "RX(x1) 1", "RX(w0) 0", "RX(w1) 1", "CNOT 0 1"])
    template: Circuit = templates.siamese_circuit(2, 1)
    assert (made.n_qubits, made.operations, made.observables) == (2, template.operations, template.observables)


def test_the_example_names_every_gate():
    words = (paths.conf_dir() / "circuit" / "gates.yaml").read_text()
    assert set(GATES | CHANNELS) <= set(re.findall(r"\w+", words))


def test_a_state_is_that_of_all_wires():
    assert GateList(["H 0", "CNOT 0 2"], ["state"]).observables == (State((0, 1, 2)),)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"gates": []}, "a list of gates needs one or more"),
        ({"gates": ["CNTO 0 1"]}, "'CNTO 0 1' in a circuit's gates: unknown gate 'CNTO'; did you mean CNOT? (gates: H"),
        ({"gates": ["H 5"], "n_qubits": 3}, "H on wire 5: a circuit of 3 qubits has wires 0 to 2"),
        ({"gates": ["RX 0"]}, "gate RX takes 1 parameter, got 0"),
        ({"gates": ["CNOT 0"]}, "gate CNOT takes 2 wires, got 1"),
        ({"gates": ["RX(x0) 0", "RX(x2) 0"]}, "no gate uses input 1, but one uses input 2"),
        (
            {"gates": ["RX(y0) 0"]},
            "a number or a fraction such as pi/2, got 'y0' in 'RX(y0) 0'",
        ),
        ({"gates": ["RX(nan) 0"]}, "an angle must be"),
        ({"gates": ["RX(pi/0) 0"]}, "an angle must be"),
        ({"gates": ["RX(x0)"]}, "a gate must read like 'RX(x0) 0', got 'RX(x0)'"),
        ({"gates": ["H 0"], "observables": ["W 0"]}, "needs one letter (X, Y, Z) for each of its wires"),
        ({"gates": ["H 0"], "observables": ["Z(1) 0"]}, "an observable must read like 'ZZ 0 1' or 'P(01) 0 1'"),
        ({"gates": ["H 0"], "observables": ["Z 1"]}, "on wire 1: a circuit of 1 qubits has wires 0 to 0"),
        ({"gates": ["H 0"], "observables": ["state", "Z 0"]}, "not measured beside other observables"),
        (
            {"gates": ["H " + 40 * "1" + "!"]},
            "a gate must read like",
        ),  # at once, though digits can be parted in 2^39 ways
        ({"gates": ["H 1234567"]}, "a gate must read like"),
        ({"gates": ["H " + "0 " * 500]}, "a gate has at most 1,000 characters, got 1,002: 'H 0 0"),
        ({"gates": ["H 999999"]}, "a circuit of 1,000,000 qubits is too large: at most 200 qubits"),
        ({"gates": ["H 0"], "n_qubits": 10**12}, "a circuit of 1,000,000,000,000 qubits is too large"),
        ({"gates": ["H 29"], "observables": ["state"]}, "'state' gives one or two outputs for each basis state of 30"),
        (
            {"gates": ["H 99"], "observables": ["P " + " ".join(map(str, range(100)))]},
            "14 15 ...' gives one or two outputs for each basis state of 100 wires: at most 12",
        ),
        ({"gates": ["H 0"] * 5001}, "a list of gates has at most 5,000, got 5,001"),
    ],
)
def test_what_cannot_be_read_is_named(keys, message):
    with pytest.raises(ConfigError) as refused:
        GateList(**keys)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)
