"""Files of every format give the scores of the network, for other numbers of jets and particles than were traced."""

import resource
from contextlib import contextmanager

import pytest
from omegaconf import OmegaConf

from hepexp.config.compose import Composer
from hepexp.errors import ConfigError, HepexpError
from hepexp.export.network import ExportedNetwork
from hepexp.export.program import reason
from hepexp.export.recipe import compared, written
from hepexp.learning.components import build_components


def components_of(*words):
    few = ("dataset.source=mini", "+dataset.n_train=60", "+dataset.n_val=20", "+dataset.n_test=40")
    config = Composer([]).compose([*words, *few])
    OmegaConf.set_struct(config, False)
    return build_components(config)


SMALL_LGATR = ("model.n_blocks=1", "model.n_multivectors=4", "model.n_hidden_scalars=8", "model.n_heads=2")


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ("torchscript", ("model=lorentznet", "dataset=qg", "model.n_hidden=8", "model.n_blocks=2")),
        ("torchscript", ("model=particlenet", "dataset=qg", "model.channels=[8,8]")),
        ("torchscript", ("model=part", "dataset=qg", "model.n_blocks=1", "model.n_class_blocks=1")),
        ("torchscript", ("model=pcnn", "dataset=top")),
        ("pt2", ("model=pfn", "dataset=jetclass", "+dataset.extras=[jet_pt]")),
        ("pt2", ("model=lorentznet", "dataset=qg", "model.n_hidden=8", "model.n_blocks=1")),
        ("onnx", ("model=pelican", "dataset=qg", "model.size=xs", "model.n_blocks=1")),
        ("onnx", ("model=hybrid_cnn", "dataset=qg", "model.n_qubits=2", "model.n_layers=1")),
        ("onnx", ("model=efn", "dataset=top", "+dataset.n_particles=20")),
        *[
            pytest.param("onnx", (f"model={model}", "dataset=qg", *words), marks=pytest.mark.slow)
            for model, *words in (
                ("pct", "model.n_blocks=1", "model.k=3"),
                ("pcnn", "model.n_first=4", "model.stages=[4,6,6]", "model.units_per_stage=1", "model.n_hidden=8"),
                ("part", "model.n_blocks=1", "model.n_class_blocks=1"),
                ("lgatr", *SMALL_LGATR),
                ("lgatr", "model.slim=true", *SMALL_LGATR),
                ("lorentznet", "backend=statevector", "model.quantum_blocks=[phi_e]", "model.n_hidden=2"),
                ("quanvolution",),
            )
        ],
        pytest.param("pt2", ("model=particlenet", "dataset=qg"), marks=pytest.mark.slow),
        pytest.param("onnx", ("model=lorentznet", "dataset=qg", "model.n_blocks=2"), marks=pytest.mark.slow),
        pytest.param("onnx", ("model=particlenet", "dataset=qg"), marks=pytest.mark.slow),
    ],
    ids=lambda value: value if isinstance(value, str) else value[0],
)
def test_a_file_agrees_with_the_network(form, words, tmp_path):
    components = components_of(*words)
    network = ExportedNetwork(components)
    found = compared(network, components, written(network, components, form, tmp_path / "network")[0])
    assert found.difference < 1e-5
    assert found.multiplicities[0] < found.multiplicities[1]


@contextmanager
def largest_file(size: int):
    """Writes beyond this many bytes of a file fail, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("form", ["onnx", "torchscript", "pt2"])
def test_a_full_disk_is_no_fault_of_the_network(form, tmp_path):
    components = components_of("model=pfn", "dataset=qg")
    with largest_file(50_000), pytest.raises(OSError, match="File too large"):
        written(ExportedNetwork(components), components, form, tmp_path / "network")


@pytest.mark.parametrize("form", ["onnx", "torchscript"])
def test_the_cost_of_a_graph_is_that_of_its_products(form, tmp_path):
    components = components_of("model=pfn", "dataset=qg", "model.phi_sizes=[5]", "model.f_sizes=[7]")
    _, cost = written(ExportedNetwork(components), components, form, tmp_path / "network")
    assert cost["flops"] == 2 * (cost["particles"] * 3 * 5 + 5 * 7 + 7 * 2)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("model=gin", "dataset=qg"), "reads a graph"),
        (("model=cnn", "dataset=qg", "loss=infonce"), "only classifiers"),
    ],
)
def test_what_cannot_be_exported_is_refused_with_the_reason(words, said):
    with pytest.raises(ConfigError, match=said):
        ExportedNetwork(components_of(*words))


def test_an_operation_that_onnx_lacks_is_named():
    text = "No ONNX function found for <OpOverload(op='aten.linalg_eigh', overload='default')>. Failure message: none"
    error = HepexpError("Failed to convert the exported program.\nmany lines")
    error.__cause__ = RuntimeError(text)
    assert reason(error) == "ONNX has no operation for aten.linalg_eigh"


def test_the_reason_is_that_of_what_failed_without_colours():
    error = RuntimeError("Failed to decompose the FX graph. \x1b[96mThis is step 2/3\x1b[0m\nNext steps:")
    error.__cause__ = AssertionError("\x1b[1mexpected a graph without changes in place, got copy_to\x1b[0m\nmore")
    assert reason(error) == "expected a graph without changes in place, got copy_to"
