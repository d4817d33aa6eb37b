"""Circuits that nothing changes: the closed forms of QMLHEP I, from every backend that has states."""

import math

import pytest
import torch
from torch.testing import assert_close

from hepexp.data.datasets.empty import Empty
from hepexp.errors import ConfigError
from hepexp.models.fixed_circuits import FixedCircuits
from hepexp.quantum import templates
from hepexp.quantum.classical import Classical
from hepexp.quantum.pennylane import PennyLane
from hepexp.quantum.statevector import StateVector

BATCH = next(iter(Empty(batch_size=3, n_test=3).test_dataloader()))


def qmlhep_1(backend=None, **keys) -> FixedCircuits:
    circuits = {"z": templates.QmlHep1A(), "swap_test": templates.QmlHep1B()}
    return FixedCircuits(**{"circuits": circuits, "n_features": 0, "backend": backend or StateVector(), **keys})


@pytest.mark.parametrize("backend", [StateVector(), PennyLane(), PennyLane("lightning.qubit", "adjoint")])
def test_values_and_states_are_the_closed_forms(backend):
    model = qmlhep_1(backend)
    expected = torch.tensor([[0.0, 0.0, 0.0, 0.0, 0.0, 0.5]], dtype=torch.float64).expand(3, 6)
    assert_close(model(BATCH), expected, rtol=0, atol=1e-7 if getattr(backend, "device", "")[:1] == "l" else 1e-15)
    states = model.states(BATCH)
    angle = -math.pi / 4
    amplitude = complex(math.cos(angle), math.sin(angle)) / math.sqrt(32)
    assert_close(states["z"], torch.full((3, 32), amplitude, dtype=torch.complex128), rtol=0, atol=1e-15)
    # the swap test once more, from its state: <Z> of wire 0
    sign = torch.tensor([1.0, -1.0], dtype=torch.float64).repeat_interleave(16)
    assert_close((states["swap_test"].abs().square() * sign).sum(1), expected[:, 5], rtol=0, atol=1e-15)
    assert backend.circuits == list(model.circuits.values())


def test_there_is_nothing_to_train():
    assert sum(p.numel() for p in qmlhep_1(StateVector()).parameters()) == 0


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"circuits": {}}, "model.circuits needs one or more circuits"),
        ({"circuits": {"a/../../b": templates.QmlHep1A()}}, "model.circuits: a name is at most 100 letters, digits"),
        ({"circuits": {"": templates.QmlHep1A()}}, "got ''"),
        ({"circuits": {"a" * 101: templates.QmlHep1A()}}, "model.circuits: a name is at most 100 letters"),
        ({"circuits": {"a": templates.siamese_circuit()}}, "model.circuits.a has 4 inputs and 12 trained angles"),
        ({"n_features": 8}, "reads no data, but the data set has 8 features; choose dataset=empty"),
        (
            {"backend": Classical()},
            "backend=classical puts a network in place of a circuit, and this circuit has no",
        ),
        ({"backend": PennyLane("default.mixed")}, "backend.device=default.mixed has no state vectors"),
        ({"backend": PennyLane(diff_method="best", shots=9)}, "takes no shots: backend.shots must be null, got 9"),
    ],
)
def test_what_cannot_be_evaluated_is_named(keys, message):
    with pytest.raises(ConfigError, match=message):
        qmlhep_1(**keys).states(BATCH)
