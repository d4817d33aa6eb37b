"""Expressibility and entanglement against closed forms."""

from math import asin, log, pi, sqrt

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from hepexp.data.datasets.empty import Empty
from hepexp.errors import ConfigError
from hepexp.losses.expressibility import Expressibility
from hepexp.models.random_circuits import RandomCircuits
from hepexp.quantum.classical import Classical
from hepexp.quantum.expressibility import divergence, entanglement, freed, haar_bins
from hepexp.quantum.gate_list import GateList
from hepexp.quantum.layered import Layered
from hepexp.quantum.sim_circuits import SimCircuit
from hepexp.quantum.statevector import StateVector

N = 4000


def haar(n_qubits: int, n: int = N) -> torch.Tensor:
    g = torch.Generator().manual_seed(1)
    return torch.nn.functional.normalize(torch.randn(n, 2**n_qubits, dtype=torch.complex128, generator=g), dim=1)


def figures(inputs="zero", n=N, **circuits):
    torch.manual_seed(1)
    data, objective = Empty(batch_size=n, n_test=n), Expressibility()
    model = RandomCircuits(circuits, inputs, n_features=0, backend=StateVector())
    objective.prepare(model, data.typical_example(), data.spec)
    batch = next(iter(data.test_dataloader()))
    outputs = {name: x.numpy() for name, x in objective.terms(model, batch)[1].items()} | {"index": batch.index.numpy()}
    return objective.evaluator.final(outputs, seed=1), outputs, objective.evaluator


def test_q_is_zero_of_products_one_of_ghz_and_known_of_haar_random_states():
    ghz = torch.zeros(1, 8, dtype=torch.complex128)
    ghz[0, [0, 7]] = 0.5**0.5
    assert_close(entanglement(ghz).item(), 1.0)
    a, b = haar(1), haar(2)
    assert entanglement(torch.einsum("bi,bj->bij", a, haar(1).flip(0)).flatten(1)).abs().max() < 1e-14
    # of three qubits, one is free: the others' Q of two qubits times 2 / 3
    assert_close(entanglement(torch.einsum("bi,bj->bij", a, b).flatten(1)), entanglement(b) * 2 / 3)
    assert_close(entanglement(haar(3)).mean().item(), 6 / 9, rtol=0, atol=0.01)


@pytest.mark.parametrize("n", [1, 2, 10])
def test_haar_bins_are_a_distribution_and_finite_logarithms(n):
    found = haar_bins(n, 75)
    assert np.isfinite(found).all()
    assert np.exp(found).sum() == pytest.approx(1)
    if n == 1:
        np.testing.assert_allclose(np.exp(found), 1 / 75)


def test_fidelities_of_haar_random_states_diverge_by_chance_alone():
    states = haar(2, 2 * N)
    f = (states[:N].conj() * states[N:]).sum(1).abs().square().numpy()
    counts = np.histogram(f, 75, (0, 1))[0]
    assert 0 < divergence(counts, haar_bins(2, 75)) < 2 * 74 / (2 * N)  # (bins - 1) / 2 n on average


def test_an_idle_circuit_diverges_by_the_logarithm_of_the_bins_and_a_great_circle_by_its_arcsine_law():
    found, _, _ = figures(idle=GateList(["PhaseShift(w0) 0"]), line=GateList(["H 0", "RZ(w0) 0"]))
    assert found["idle_expressibility"] == pytest.approx(log(75))
    cumulative = np.array([2 / pi * asin(sqrt(k / 75)) for k in range(76)])
    p = np.diff(cumulative)
    assert found["line_expressibility"] == pytest.approx(p @ np.log(75 * p) + 74 / 2 / N, abs=0.03)
    assert abs(found["line_expressibility"] - p @ np.log(75 * p)) < 4 * found["line_expressibility_err"]


def test_circuits_without_entangling_gates_have_none_and_those_of_cz_after_h_have_all():
    found, outputs, evaluator = figures(n=50, one=SimCircuit(1), nine=SimCircuit(9), encoded=Layered(2, 1))
    assert found["one_entanglement"] == 0
    assert found["nine_entanglement"] == pytest.approx(1)
    assert evaluator.table(outputs, ()).column_names[:3] == ["index", "one_fidelity", "one_entanglement"]


def test_angles_of_inputs_are_zero_or_drawn():
    circuit = GateList(["RX(x0) 0"])
    assert (figures(n=9, x=circuit)[1]["fidelity/x"] == 1).all()
    assert figures("uniform", 9, x=circuit)[1]["fidelity/x"].std() > 0.1


def test_figures_are_drawn(tmp_path):
    _, outputs, evaluator = figures(n=20, a=SimCircuit(2), b=SimCircuit(14, 3))
    evaluator.figures(outputs, (), tmp_path, 1)
    assert {path.name for path in tmp_path.iterdir()} == {"fidelity_a.png", "fidelity_b.png", "expressibility.png"}


def test_freed_weights_are_inputs_of_each_example():
    circuit = Layered(3, 2)
    x, w = torch.randn(2, 3, dtype=torch.float64), torch.randn(circuit.n_weights, dtype=torch.float64)
    ours = StateVector().states(freed(circuit), torch.cat([x, w.expand(2, -1)], dim=1), torch.zeros(0))
    assert_close(ours, StateVector().states(circuit, x, w))


# numbers of trained angles with L layers of n qubits, arXiv:1905.10876, table I; 10 has n more of its first layer
WEIGHTS = {
    **dict.fromkeys((1, 2, 15), lambda n: 2 * n),
    **dict.fromkeys((3, 4, 16, 17), lambda n: 3 * n - 1),
    **dict.fromkeys((5, 6), lambda n: n * n + 3 * n),
    **dict.fromkeys((7, 8), lambda n: 5 * n - 1),
    **dict.fromkeys((9, 10), lambda n: n),
    **dict.fromkeys((11, 12), lambda n: 4 * n - 4),
    **dict.fromkeys((13, 14), lambda n: 4 * n),
    **dict.fromkeys((18, 19), lambda n: 3 * n),
}


@pytest.mark.parametrize("number", range(1, 20))
@pytest.mark.parametrize("n", [2, 4, 5])
def test_circuits_have_as_many_angles_as_in_the_paper(number, n):
    for layers in (1, 3):
        circuit = SimCircuit(number, n, layers)
        assert circuit.n_weights == layers * WEIGHTS[number](n) + n * (number == 10)
        assert circuit.n_inputs == 0


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SimCircuit(20), "a circuit's number must be from 1 to 19, got 20"),
        (lambda: SimCircuit(1, 1), "a circuit's n_qubits must be >= 2, got 1"),
        (lambda: SimCircuit(5, 50), "a circuit of 50 qubits and 1 layer is too large"),
        (lambda: RandomCircuits({"a/b": Layered()}, n_features=0, backend=StateVector()), "got 'a/b'"),
        (lambda: RandomCircuits({}, n_features=0, backend=StateVector()), "model.circuits needs one or more"),
        (
            lambda: RandomCircuits({"a": Layered(encoding="amplitude")}, n_features=0, backend=StateVector()),
            "model.circuits.a reads amplitudes",
        ),
        (lambda: RandomCircuits({"a": Layered()}, n_features=3, backend=StateVector()), "choose dataset=empty"),
        (lambda: Expressibility(1), "loss.n_bins must be from 2 to 100,000, got 1"),
        (
            lambda: Expressibility().prepare(torch.nn.Linear(1, 1), None, Empty.spec),
            "loss=expressibility needs random states of circuits, not Linear; choose model=random_circuits",
        ),
        (
            lambda: Expressibility().prepare(
                RandomCircuits({"a": Layered()}, n_features=0, backend=Classical()),
                Empty().typical_example(),
                Empty.spec,
            ),
            "backend=classical has no state vectors",
        ),
        (
            lambda: Expressibility().prepare(
                RandomCircuits({"a": Layered()}, n_features=0, backend=StateVector(depolarising=0.1)),
                Empty().typical_example(),
                Empty.spec,
            ),
            "a state vector has no noise",
        ),
    ],
)
def test_what_cannot_be_described_is_named(make, message):
    with pytest.raises(ConfigError) as refused:
        make()
    assert message in str(refused.value)
