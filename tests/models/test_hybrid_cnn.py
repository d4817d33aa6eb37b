"""The siamese hybrid network: the counts of ML4SCI 2024, and the same gradients from either simulation."""

import pytest
import torch
from torch.testing import assert_close

from hepexp.batch import ImageBatch
from hepexp.errors import ConfigError
from hepexp.losses.pair import PairLoss
from hepexp.models.hybrid_cnn import HybridCNN
from hepexp.quantum.classical import Classical
from hepexp.quantum.layered import Layered
from hepexp.quantum.pennylane import PennyLane
from hepexp.quantum.statevector import StateVector
from hepexp.quantum.templates import QmlHep1A


def network(size: int, n_qubits: int, backend=None, **keys) -> HybridCNN:
    torch.manual_seed(1)
    return HybridCNN(
        n_qubits, n_outputs=n_qubits, image_shape=(1, size, size), n_classes=2, backend=backend or StateVector(), **keys
    )


@pytest.mark.parametrize(("size", "n_qubits", "count"), [(28, 4, 514_788), (40, 8, 1_203_240), (8, 8, 23_592)])
def test_the_number_of_parameters_is_that_of_the_document(size, n_qubits, count):
    assert sum(p.numel() for p in network(size, n_qubits).parameters()) == count


def test_the_control_has_a_network_of_as_many_parameters_in_place_of_the_circuit():
    model = network(28, 4, Classical())
    assert model.circuit.n_parameters == 12  # 4 x 3, for 12 angles
    assert sum(p.numel() for p in model.parameters()) == 514_788


def test_losses_and_gradients_are_those_of_pennylane():
    g = torch.Generator().manual_seed(0)
    image = torch.rand(8, 1, 12, 12, generator=g, dtype=torch.float64)
    label = torch.arange(8) % 2
    batch = ImageBatch(label=label, index=label, extras=torch.zeros(8, 0), image=image)
    losses, gradients = [], []
    for backend in (StateVector(), PennyLane()):
        model = network(12, 4, backend).double()
        losses.append(PairLoss().eval().compare(model(batch), label))
        losses[-1].backward()
        gradients.append([p.grad for p in model.parameters()])
    assert_close(*losses, rtol=0, atol=1e-12)
    assert_close(*gradients, rtol=0, atol=1e-12)


def test_angles_of_any_size_are_as_good_as_angles_less_whole_turns():
    model = network(12, 4).double()
    angles = torch.randn(5, 4, dtype=torch.float64)
    turns = 2 * torch.pi * torch.tensor([1, -2, 3, 40], dtype=torch.float64)
    assert_close(model.circuit(angles + turns), model.circuit(angles), rtol=0, atol=1e-12)


def test_any_circuit_with_inputs_takes_the_place_of_the_documents():
    """Angles in as many as it reads, outputs as many as it measures: 16 amplitudes of 4 qubits, 6 pairs."""
    model = network(12, 4, circuit=Layered(4, 1, "brick", "amplitude", observables="ZZ"))
    assert (model.angles[-1].out_features, model.output.in_features, model.circuit.circuit.n_weights) == (16, 6, 4)
    with pytest.raises(ConfigError, match=r"model\.circuit has 0 inputs, and needs inputs"):
        network(12, 4, circuit=QmlHep1A())


@pytest.mark.parametrize(
    ("size", "n_qubits", "keys", "message"),
    [
        (7, 4, {}, "images of 8 x 8 pixels or more, got 7 x 7"),
        (12, 0, {}, "model.n_qubits must be >= 1, got 0"),
        (12, 4, {"n_layers": 0}, "model.n_layers must be >= 1, got 0"),
        (12, 40, {}, "a circuit of 40 qubits needs .* GB of memory and this machine has"),
    ],
)
def test_impossible_values_are_named(size, n_qubits, keys, message):
    with pytest.raises(ConfigError, match=message):
        network(size, n_qubits, **keys)
