"""Files of every format give the scores of the network, for other numbers of jets and particles than were traced."""

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


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ("torchscript", ("model=lorentznet", "dataset=qg", "model.n_hidden=8", "model.n_blocks=2")),
        ("torchscript", ("model=particlenet", "dataset=qg", "model.channels=[8,8]")),
        ("torchscript", ("model=part", "dataset=qg", "model.n_blocks=1", "model.n_class_blocks=1")),
        ("torchscript", ("model=pcnn", "dataset=top")),
        ("pt2", ("model=pfn", "dataset=jetclass", "+dataset.extras=[jet_pt]")),
        ("onnx", ("model=efn", "dataset=top", "+dataset.n_particles=20")),
        pytest.param("pt2", ("model=particlenet", "dataset=qg"), marks=pytest.mark.slow),
        pytest.param("onnx", ("model=lorentznet", "dataset=qg", "model.n_blocks=2"), marks=pytest.mark.slow),
        pytest.param("onnx", ("model=particlenet", "dataset=qg"), marks=pytest.mark.slow),
    ],
    ids=lambda value: value if isinstance(value, str) else value[0],
)
def test_a_file_agrees_with_the_network(form, words, tmp_path):
    components = components_of(*words)
    network = ExportedNetwork(components)
    found = compared(network, components, written(network, components, form, tmp_path / "network"))
    assert found.difference < 1e-5
    assert found.multiplicities[0] < found.multiplicities[1]


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
