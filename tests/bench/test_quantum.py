from functools import partial

import pytest
import torch
from torch.testing import assert_close

from hepexp.bench import quantum, quantum_states
from hepexp.quantum.templates import pair_circuit, strongly_entangling_circuit


def test_every_implementation_is_measured_in_every_case(monkeypatch):
    monkeypatch.setattr(quantum, "CASES", {name: (size, 32) for name, (size, _) in quantum.CASES.items()})
    names = list(quantum.implementations())
    assert names[:3] == ["statevector", "default.qubit", "lightning.qubit"]
    found = quantum.rows(["q4_l3_b1024", "phi_e_b16384"], repeats=1)
    assert [(row["case"], row["implementation"]) for row in found] == [
        (case, name) for case in ("q4_l3_b1024", "phi_e_b16384") for name in names
    ]
    assert all(row["per_second"] > 0 for row in found)
    assert {row["implementation"]: row["batch"] for row in found[:3]} == {
        "statevector": 32,
        "default.qubit": 32,
        "lightning.qubit": 16,
    }


def test_the_cases_are_all_sizes_and_batches_and_the_two_with_targets():
    sizes = {(n, layers, batch) for n in (4, 8, 10) for layers in (1, 3) for batch in (1024, 16384)}
    assert set(quantum.CASES) == {f"q{n}_l{k}_b{b}" for n, k, b in sizes} | {"q8_l3_b4096", "phi_e_b16384"}


@pytest.mark.parametrize("circuit", [strongly_entangling_circuit(4, 2), pair_circuit(5, 1)], ids=["strong", "phi_e"])
def test_all_of_them_evaluate_the_same(circuit):
    torch.manual_seed(1)
    weights, angles = torch.rand(circuit.n_weights), 3 * torch.rand(6, circuit.n_inputs)
    found = {}
    for name, one in quantum.implementations().items():
        x = angles.clone().requires_grad_()
        values = one.layer(circuit, weights)(x)
        values.square().sum().backward()
        found[name] = (values.detach(), x.grad)
    for values in found.values():
        assert_close(values, found["statevector"], rtol=0, atol=1e-5)


def test_fidelities_swap_tests_and_noise_are_measured_with_their_floors():
    found = quantum.rows([*quantum_states.CASES], repeats=1)
    assert {row["implementation"] for row in found} >= {"statevector", "default.qubit", "default.mixed"}
    assert all(row["per_second"] > 0 and row["operations"] > 0 and row["bytes"] > 0 for row in found)


@pytest.mark.parametrize("make", [partial(make, 2, 8) for make in quantum_states.CASES.values()])
def test_their_implementations_agree(make):
    torch.manual_seed(1)
    made, _ = make()
    x = next(iter(made.values()))[1]
    found = {name: layer(x) for name, (layer, _, _) in made.items()}
    for name, values in found.items():
        drawn = 0.5 if "trajectories" in name else 1e-5
        assert_close(values.double(), found["statevector"].double(), rtol=0, atol=drawn)
