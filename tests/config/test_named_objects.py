"""`model.circuit=NAME`: the name of an option in place of an object."""

import pytest
from omegaconf import OmegaConf

from hepexp.config.build import instantiate
from hepexp.config.command_line import read
from hepexp.config.overrides import compose
from hepexp.errors import ConfigError

LAYERED, GATES = "hepexp.quantum.layered.Layered", "hepexp.quantum.gate_list.GateList"
HYBRID = ["model=hybrid_cnn", "data=mnist"]


def circuit(*words, key="circuit"):
    node = compose(read([*words]))["model"][key]
    return OmegaConf.to_container(node) if OmegaConf.is_config(node) else node


def test_a_name_is_what_its_file_describes():
    assert circuit(*HYBRID) is None
    found = circuit(*HYBRID, "model.circuit=brick")
    assert (found["_target_"], found["ansatz"], found["n_qubits"]) == (LAYERED, "brick", 10)


def test_keys_of_it_are_set_wherever_they_stand():
    for words in (
        ["model.circuit=brick", "model.circuit.n_qubits=4"],
        ["model.circuit.n_qubits=4", "model.circuit=brick"],
    ):
        assert circuit(*HYBRID, *words)["n_qubits"] == 4


def test_a_list_is_a_list_of_gates():
    found = circuit(*HYBRID, 'model.circuit=["RX(x0) 0", "CNOT 0 1"]')
    assert found == {"_target_": GATES, "gates": ["RX(x0) 0", "CNOT 0 1"]}


def test_a_circuit_among_others_is_replaced_whole():
    fixed = ["model=fixed_circuits", "data=empty", "loss=circuit_values"]
    found = circuit(*fixed, "model.circuits.z=qmlhep_1_swap_test", key="circuits")
    assert found["z"] == {"_target_": "hepexp.quantum.templates.QmlHep1B"}  # without `rotated`, of the one before
    found = circuit(*fixed, "model.circuits={bell: [H 0, CNOT 0 1]}", key="circuits")
    assert found == {"bell": {"_target_": GATES, "gates": ["H 0", "CNOT 0 1"]}}


def test_a_file_of_ones_own_chooses_and_provides_circuits(tmp_path):
    for group, name, text in (
        ("circuit", "mine", f"_target_: {GATES}\ngates: [RX(x0) 0]\n"),
        (
            "task",
            "mine",
            "# @package _global_\ndefaults:\n  - override /model: hybrid_cnn\n  - override /dataset: mnist\n",
        ),
        ("task", "name", "# @package _global_\ndefaults:\n  - mine\n  - _self_\nmodel:\n  circuit: mine\n"),
        ("task", "list", "# @package _global_\ndefaults:\n  - name\n  - _self_\nmodel:\n  circuit: [RY(x0) 0]\n"),
    ):
        (tmp_path / group).mkdir(exist_ok=True)
        (tmp_path / group / f"{name}.yaml").write_text(text)
    own = ["--config-dir", str(tmp_path)]
    assert circuit("task=name", *own)["gates"] == ["RX(x0) 0"]
    assert circuit("task=list", *own)["gates"] == ["RY(x0) 0"]
    assert circuit("task=mine", "model.circuit=mine", *own)["gates"] == ["RX(x0) 0"]
    changed = circuit("task=list", "model.circuit=brick", "model.circuit.n_layers=2", *own)
    assert (changed["ansatz"], changed["n_layers"], "gates" in changed) == ("brick", 2, False)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["model.circuit=brik"], "model.circuit: unknown circuit 'brik'; did you mean brick?"),
        (["circuit=brick"], "circuit=brick: a circuit is that of a model: model.circuit=brick"),
        (
            ["model.circuit=brick", "model.circuit.n_qubit=2"],
            "model.circuit.n_qubit is not an option of Layered; did you",
        ),
        (["model.circuit=brick", "model.circuit.encoding=RW"], "model.circuit.encoding: expected RX, RY, RZ"),
        (["model.circuit=3"], "model.circuit: expected Circuit or null, got 3"),
        (["model.circuit={_target_: hepexp.models.pfn.PFN}"], "model.circuit: "),
        (["data.classes=[3,8]"], """dataset=mnist; for texts write 'dataset.classes=["3", "8"]'"""),
    ],
)
def test_what_names_no_circuit_is_refused(words, message):
    with pytest.raises(ConfigError) as refused:
        compose(read([*HYBRID, *words]))
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"gates": ["RX(x0) 0", "CNOT 0 0"]}, "model.circuit: CNOT on wires (0, 0): they must differ"),
        ({"gates": ["RX(x1) 0"]}, "model.circuit: no gate uses input 0, but one uses input 1: number"),
    ],
)
def test_a_circuit_that_cannot_be_built_is_named_by_its_key(given, message):
    node = {"_target_": "hepexp.models.hybrid_cnn.HybridCNN", "circuit": {"_target_": GATES, **given}}
    with pytest.raises(ConfigError) as refused:
        instantiate(node, "model")
    assert str(refused.value).startswith(message)
