"""What stands below the title of a run's figures."""

import pytest
from omegaconf import OmegaConf

from hepexp.learning.figures import _draw_circuits, sample
from hepexp.losses.infonce import InfoNCE
from hepexp.losses.states import CircuitStates
from hepexp.quantum.circuit import Circuit, Operation, z_on
from hepexp.quantum.classical import Classical
from hepexp.quantum.draw import text
from hepexp.quantum.statevector import StateVector
from hepexp.tracking.run_folder import RunFolder

CONFIG = OmegaConf.create({"choices": {"task": "gnn_gin", "model": "gin", "dataset": "qg_images"}})
MINI = {"source": "mini", "simulated": True}


@pytest.mark.parametrize(
    ("provenance", "sizes", "said"),
    [
        (MINI, {"test": 2000}, "gnn_gin: qg_images, source mini (simulated), 2,000 test images"),
        (
            {"source": "full", "simulated": False},
            {"training": 7200, "validation": 800},
            "gnn_gin: qg_images, source full, 7,200 training and 800 validation images",
        ),
        (MINI, {"test": 1}, "gnn_gin: qg_images, source mini (simulated), 1 test image"),
        ({"source": "none"}, {"test": 1}, "gnn_gin"),  # circuits alone: there are no data
    ],
)
def test_a_figure_names_task_data_source_and_number_of_examples(provenance, sizes, said):
    assert sample(CONFIG, provenance, "image", sizes) == said


def test_circuits_have_the_names_that_the_model_has_for_them(tmp_path):
    one = Circuit(1, (Operation("H", (0,)),), z_on((0,)))
    two = Circuit(2, (Operation("H", (0,)), Operation("CNOT", (0, 1))), z_on((0, 1)))
    backend = StateVector()
    for circuit, name in ((one, "phi_e"), (two, "swap_test"), (one, "phi_x"), (one, "phi_e")):
        backend.layer(circuit, name=name)
    _draw_circuits(backend, RunFolder(tmp_path))
    drawn = {path.name for path in (tmp_path / "plots").iterdir()}
    assert drawn == {"circuit_phi_e_phi_x.png", "circuit_swap_test.png"}


def test_the_circuit_of_a_loss_is_drawn_as_what_gives_its_states(tmp_path):
    backend = StateVector()
    InfoNCE(alpha=0.5, states=CircuitStates(3, backend=backend))
    _draw_circuits(backend, RunFolder(tmp_path))
    assert [path.name for path in (tmp_path / "plots").iterdir()] == ["circuit_states.png"]
    assert text(backend.circuits[0]).splitlines()[-1] == "|ψ⟩"
    assert "⟨Z⟩" not in text(backend.circuits[0])


def test_circuits_that_a_perceptron_replaces_are_not_drawn(tmp_path):
    backend = Classical()
    backend.circuits.append(Circuit(1, (Operation("H", (0,)),), z_on((0,))))
    backend.names.append(["phi_e"])
    _draw_circuits(backend, RunFolder(tmp_path))
    assert not list(tmp_path.iterdir())
