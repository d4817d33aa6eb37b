"""LorentzNet with circuits: against its equations, PennyLane, and the groups under which it does not change."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.testing import assert_close

from hepexp.batch import JetBatch
from hepexp.errors import ConfigError
from hepexp.models.lorentz_net import LorentzNet
from hepexp.quantum.backend import Backend
from hepexp.quantum.classical import Classical
from hepexp.quantum.layer import CircuitLayer
from hepexp.quantum.layered import Layered
from hepexp.quantum.pennylane import PennyLane
from hepexp.quantum.statevector import StateVector
from tests.jets import boost, random_jets, rotation, transform

BLOCKS = [["phi_e"], ["phi_h"], ["phi_x"], ["phi_m"], ["phi_e", "phi_h", "phi_x", "phi_m"]]
SMALL = {"n_hidden": 4, "n_blocks": 2, "c": 1e-2, "dropout": 0.0, "circuit_scale": 0.5, "n_scalars": 8, "n_classes": 2}


def build(quantum_blocks: list[str], backend: Backend | None = None, **change) -> LorentzNet:
    """A small network in float64 whose coordinates move well, with running statistics of a first batch."""
    torch.manual_seed(1)
    keys = SMALL | {"quantum_blocks": quantum_blocks, "backend": backend or StateVector()} | change
    model = LorentzNet(**keys).double()
    for block in model.LGEBs[:-1]:
        nn.init.normal_(block.phi_x[-1].weight, std=0.3)
    model(random_jets(16, n_max=8, seed=5))
    return model


@pytest.fixture
def jets() -> JetBatch:
    return random_jets(multiplicity=torch.tensor([3, 9, 7, 1, 2, 9]))


def test_the_document_counts_2556_parameters_of_which_60_are_angles():
    sizes = {"n_hidden": 4, "n_blocks": 6, "n_scalars": 8, "n_classes": 2}
    model = LorentzNet(quantum_blocks=["phi_e"], backend=StateVector(), **sizes)
    angles = [layer.weights.numel() for layer in model.modules() if isinstance(layer, CircuitLayer)]
    assert (sum(p.numel() for p in model.parameters()), sum(angles)) == (2556, 60)
    assert all(layer.weights.abs().max() < 0.01 for layer in model.modules() if isinstance(layer, CircuitLayer))


def by_pairs(model: LorentzNet, jets: JetBatch) -> Tensor:
    """Equations (3.1) to (3.4) on a list of the pairs i, j of each jet, jet by jet."""
    sign = torch.tensor([1.0, -1.0, -1.0, -1.0], dtype=torch.float64)
    found = []
    for p4, scalars, mask in zip(jets.p4, jets.scalars.double(), jets.mask, strict=True):
        x, scalars = p4[mask], scalars[mask]
        i, j = (~torch.eye(len(x), dtype=torch.bool)).nonzero(as_tuple=True)
        h = model.embedding(scalars)
        for block in model.LGEBs:
            d = x[i] - x[j]
            s = torch.stack([(d * d) @ sign, (x[i] * x[j]) @ sign], dim=1)
            s = s.sign() * (1 + s.abs()).log()
            m = block.phi_e(torch.cat([h[i], h[j], s], dim=1))
            m = m * block.phi_m(m)
            if block.phi_x is not None:
                x = x + block.c / max(len(x) - 1, 1) * torch.zeros_like(x).index_add(0, i, d * block.phi_x(m))
            agg = m.new_zeros(len(x), m.shape[1]).index_add(0, i, m)
            h = h + block.phi_h(torch.cat([h, agg, scalars], dim=1))
        found.append(model.graph_dec(h.mean(0)))
    return torch.stack(found)


@pytest.mark.parametrize("blocks", BLOCKS, ids="-".join)
def test_is_its_equations(jets, blocks):
    model = build(blocks).eval()
    assert_close(model(jets), by_pairs(model, jets), rtol=1e-10, atol=1e-10)


def boosts_along_x() -> list[Tensor]:
    return [boost(beta, torch.tensor([1.0, 0.0, 0.0], dtype=torch.float64)) for beta in (0.6, 0.65, 0.7, 0.75, 0.8)]


def rotations() -> list[Tensor]:
    g = torch.Generator().manual_seed(4)
    return [rotation(g) for _ in range(3)]


def orthogonal() -> list[Tensor]:
    """Rotations of all four components, and of (E, px) alone."""
    g = torch.Generator().manual_seed(4)
    made = [torch.linalg.qr(torch.randn(4, 4, generator=g, dtype=torch.float64)).Q for _ in range(2)]
    made.append(torch.eye(4, dtype=torch.float64))
    made[-1][:2, :2] = torch.tensor([[0.6, -0.8], [0.8, 0.6]], dtype=torch.float64)
    return made


@pytest.mark.parametrize("blocks", BLOCKS, ids="-".join)
def test_output_does_not_change_under_boosts_and_rotations(jets, blocks):
    model = build(blocks).eval()
    expected = model(jets)
    for matrix in boosts_along_x() + rotations():
        assert_close(model(transform(jets, matrix)), expected, rtol=0, atol=1e-8)
    for matrix in orthogonal():
        assert (model(transform(jets, matrix)) - expected).abs().max() > 1e-3


def test_with_the_euclidean_metric_boosts_change_the_output_and_rotations_do_not(jets):
    model = build(["phi_e"], metric="euclidean").eval()
    expected = model(jets)
    for matrix in rotations() + orthogonal():
        assert_close(model(transform(jets, matrix)), expected, rtol=0, atol=1e-8)
    for matrix in boosts_along_x():
        assert (model(transform(jets, matrix)) - expected).abs().max() > 1e-3


def test_circuits_read_the_invariants_of_two_metrics(jets):
    """Of t^2 - x^2 and y^2 + z^2, which boosts along x and rotations about it keep."""
    along, across = torch.diag(torch.tensor([1.0, -1, 0, 0])), torch.diag(torch.tensor([0, 0, 1.0, 1]))
    model = build(["phi_e", "phi_x"], metric=[along.tolist(), across.tolist()]).eval()
    expected = model(jets)
    for matrix in boosts_along_x():
        assert_close(model(transform(jets, matrix)), expected, rtol=0, atol=1e-8)
    for matrix in orthogonal():
        assert (model(transform(jets, matrix)) - expected).abs().max() > 1e-3


@pytest.mark.parametrize("blocks", BLOCKS, ids="-".join)
@pytest.mark.parametrize("training", [True, False])
def test_pennylane_gives_the_same_values_and_gradients_with_the_same_weights(jets, blocks, training):
    keys = {"n_hidden": 2, "circuit_depth": 2}
    ours, reference = (build(blocks, backend, **keys) for backend in (StateVector(), PennyLane()))
    reference.load_state_dict(ours.state_dict())
    found = []
    for model in (ours, reference):
        logits = model.train(training)(jets)
        logits.square().sum().backward()
        found.append((logits.detach(), {name: p.grad for name, p in model.named_parameters()}))
    assert_close(found[0], found[1], rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("blocks", BLOCKS, ids="-".join)
def test_gradients_reach_every_angle(jets, blocks):
    model = build(blocks, circuit_depth=2, circuit_scale=1e-3)
    model(jets).square().sum().backward()
    angles = [layer.weights for layer in model.modules() if isinstance(layer, CircuitLayer)]
    assert len(angles) == sum(2 - (name == "phi_x") for name in blocks)  # the last block has no phi_x
    assert all(weights.grad.abs().min() > 1e-12 for weights in angles)


def test_another_circuit_of_the_messages_width_takes_the_papers_place(jets):
    """The paper's own, by name, gives the same digits; an equivariant one 3 angles a layer."""
    named = Layered(10, 1, "brick", "RY", hadamard=True)
    assert_close(build(["phi_e", "phi_m"], circuit=named)(jets), build(["phi_e", "phi_m"])(jets), rtol=0, atol=0)
    layers = [m for m in build(["phi_e"], circuit=Layered(10, 1, "equivariant")).modules() if hasattr(m, "circuit")]
    assert {layer.weights.numel() for layer in layers} == {3}


def test_the_control_has_a_perceptron_for_each_circuit(jets):
    backend = Classical()
    model = build(["phi_e", "phi_h", "phi_x", "phi_m"], backend, n_blocks=6)
    assert [circuit.n_qubits for circuit in backend.circuits] == [10, 1]
    assert not [layer for layer in model.modules() if isinstance(layer, CircuitLayer)]
    assert model(jets).isfinite().all()


def test_many_qubits_of_few_layers_are_evaluated_by_their_light_cones(jets):
    model = build(["phi_e"], n_hidden=20)  # 42 qubits
    model(jets).square().sum().backward()
    assert all(block.phi_e.layer.weights.grad.isfinite().all() for block in model.LGEBs)
    with pytest.raises(ConfigError, match=r"a circuit of 42 qubits needs .* GB of memory"):
        build(["phi_e"], n_hidden=20, circuit_depth=22)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"quantum_blocks": ["phi_z"]},
            r"model.quantum_blocks: 'phi_z' is not one of phi_e, phi_h, phi_m, phi_x; did you",
        ),
        ({"circuit_depth": 0}, "model.circuit_depth must be >= 1, got 0"),
        ({"circuit_scale": -1.0}, "model.circuit_scale must be >= 0, got -1.0"),
        ({"backend": None}, "model.quantum_blocks needs a backend that evaluates circuits"),
        ({"variant": "published"}, "model.variant=published has no circuits: leave out model.quantum_blocks"),
        (
            {"circuit": Layered(4, 1)},
            "model.circuit has 4 inputs and 4 outputs, and needs 10 inputs and 10 outputs: it reads messages",
        ),
        ({"circuit": Layered(10, 1), "quantum_blocks": []}, "model.circuit needs model.quantum_blocks"),
        ({"n_blocks": 1}, "model.quantum_blocks: the last block has no phi_x, and n_blocks=1 has only that one"),
    ],
)
def test_impossible_values_are_named(change, message):
    with pytest.raises(ConfigError, match=message):
        LorentzNet(**(SMALL | {"quantum_blocks": ["phi_x"], "backend": StateVector()} | change))
