"""In evaluation no model sees the rest of its batch, whatever its options are.

Batches are sorted by multiplicity, which is correlated with the label: a batch would tell of the labels in it. Every
value that a constructor lists (booleans and Literals) is tried, and every backend of a model that can have circuits.
"""

import ast
from collections.abc import Iterator
from dataclasses import asdict, dataclass

import pytest
import torch
import yaml
from torch import Tensor, nn
from torch.testing import assert_close

from hepexp.batch import Batch, JetBatch
from hepexp.config import kind, new_head, schema, targets
from hepexp.config.annotations import literals
from hepexp.config.build import instantiate
from hepexp.config.paths import conf_dir
from hepexp.config.recipe import RECIPE
from tests.examples import EXAMPLES, SPEC
from tests.jets import pad, random_jets
from tests.unlike_classifiers import NO_DATA, NO_STEPS, OF_CLOUDS, OF_DECAYS, OF_ELEMENTS, OF_SHOWERS

MODELS = sorted(path.stem for path in (conf_dir() / "model").glob("*.yaml"))
BACKENDS = sorted(path.stem for path in (conf_dir() / "backend").glob("*.yaml"))

# their outputs, of elements, are padded as the batch is; showers need the energy of a particle; no trees are grown yet
EXEMPT = NO_DATA | OF_ELEMENTS | OF_CLOUDS | OF_SHOWERS | OF_DECAYS | NO_STEPS

SMALL = {  # keys that make models small, of an option or of one of its variants
    "lorentznet": {"n_hidden": 4, "n_blocks": 2, "c": 0.05},
    "lloca": {"n_blocks": 1, "n_heads": 2, "n_head_scalars": 4, "n_frame_hidden": 8},
    "lloca {'backbone': 'particlenet'}": {"channels": [16, 24], "k": 5, "n_frame_hidden": 8},
    "lgn": {"n_channels": [2, 2], "scale": 0.1},
    "lgatr": {"n_blocks": 1, "n_multivectors": 4, "n_hidden_scalars": 8, "n_heads": 2},
    "pcnn": {"stages": [8, 8]},
    "jedinet": {"n_hidden": 8, "n_effects": 4, "n_features": 4},
    "transformer": {"size": "xs"},
    "pelican": {"size": "xs", "n_blocks": 2},
    "resnet15": {"upsample": 65},  # the least that variant=cms_1 takes
    "vit": {"n_blocks": 2, "dim": 16, "n_heads": 2, "n_mlp": 16},
    "vae": {"n_latent": 8, "widths": [4, 8]},
    "mi_part": {"n_mi_blocks": 1, "n_blocks": 1, "n_class_blocks": 1, "n_heads": 2, "pair_widths": [4, 8]},
    "part": {"n_blocks": 2, "n_class_blocks": 1, "n_heads": 2, "embed_widths": [8], "pair_widths": [4, 4]},
    "harmonic": {"widths": [2, 3], "convs": [1, 1]},
    "steerable_cnn": {"widths": [2, 3], "convs": [1, 1]},
    "steerable_cnn {'nonlinearity': 'fourier'}": {"group": "O2", "widths": [2, 3], "convs": [1, 1]},
    "steerable_cnn {'nonlinearity': 'norm'}": {"group": "SO2", "widths": [2, 3], "convs": [1, 1]},
}
OTHERS = {  # values that no annotation lists
    "lorentznet": [
        {"variant": "published", "padded_length": 10},
        {"metric": "euclidean"},
        {"quantum_blocks": ["phi_e", "phi_h", "phi_m", "phi_x"]},
    ],
    "lie_latents": [{"n_rotations": None}],
    "plain_cnn": [{"widths": [4, 8], "convs": [1, 1]}],
}
WITH_CIRCUITS = {
    "lorentznet": {"quantum_blocks": ["phi_e", "phi_x"], "n_hidden": 1},
    "hybrid_cnn": {},
    "quantum_gnn": {"channels": [6, 5], "n_qubits": 2},
    "quantum_vit": {"attention": "softmax", "dim": 8, "n_blocks": 1, "n_heads": 2, "n_qubits": 2},
    "quanvolution": {},
}


@dataclass(frozen=True)
class Variant:
    """A model option with some of its keys changed, and a backend."""

    option: str
    changes: str = "{}"
    backend: str = "statevector"

    def __str__(self) -> str:
        return f"{self.option} {self.changes} {self.backend}"

    @property
    def node(self) -> dict:
        node = yaml.safe_load((conf_dir() / "model" / f"{self.option}.yaml").read_text())
        node.pop(RECIPE, None)
        small = SMALL.get(f"{self.option} {self.changes}", SMALL.get(self.option, {}))
        return node | small | ast.literal_eval(self.changes)

    def examples(self, seed: int = 0) -> Batch:
        """Five of them; pairs of particles cost most, and on PennyLane a thousand times as much as elsewhere."""
        representation = targets.load(self.node["_target_"], kind.of_group("model")).input
        if representation == "particles":
            return random_jets(5, n_min=2, n_max=4 if self.backend == "pennylane" else 14, seed=seed)
        return EXAMPLES[representation].random(5, seed=seed)

    def build(self) -> nn.Module:
        """In float64 and evaluation mode, all parameters and running statistics away from their start."""
        torch.manual_seed(1)
        backend = instantiate(yaml.safe_load((conf_dir() / "backend" / f"{self.backend}.yaml").read_text()), "backend")
        model = instantiate(self.node, "model", **asdict(SPEC), n_classes=SPEC.n_classes, backend=backend).double()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter += 0.1 * torch.randn_like(parameter)
            model.train()(self.examples(seed=1))
        return model.eval()


def variants() -> Iterator[Variant]:
    """Every model as it is, with each of its listed values by itself, and on each backend."""
    for option in MODELS:
        if option in EXEMPT:
            continue
        plain = Variant(option)
        yield plain
        for key, parameter in schema.signature(plain.node["_target_"]).parameters.items():
            for value in literals(parameter.annotation) if key != new_head.KEY else ():  # of weights, not of the model
                if value is not None and value != plain.node.get(key):
                    yield Variant(option, repr({key: value}))
        for changes in OTHERS.get(option, ()):
            yield Variant(option, repr(changes))
        for backend in BACKENDS if option in WITH_CIRCUITS else ():
            yield Variant(option, repr(WITH_CIRCUITS[option]), backend)


def parted(batch: Batch) -> list[list[int]]:
    """The rows in other batches: each alone, and all in reverse."""
    rows = list(range(len(batch)))
    return [*([row] for row in rows), rows[::-1]]


def assert_batch_does_not_matter(model: nn.Module, batch: Batch) -> None:
    together = outputs(model, batch)
    assert together.std(0).max() > 1e-6  # the examples differ
    for rows in parted(batch):
        part = EXAMPLES[model.input].select(batch, rows)
        assert_close(outputs(model, part), together[rows], rtol=1e-8, atol=1e-9)
    if isinstance(batch, JetBatch):
        assert_close(outputs(model, pad(batch, 5)), together, rtol=1e-8, atol=1e-9)


def outputs(model: nn.Module, batch: Batch) -> Tensor:
    """One row for each example; of outputs for each node or edge, their sum over the graph."""
    with torch.no_grad():
        found = model(batch)
    if (level := getattr(model, "level", "graph")) != "graph":
        graph = batch.graph if level == "node" else batch.graph[batch.edge_index[1]]
        return found.new_zeros(len(batch), found.shape[1]).index_add(0, graph, found)
    return found.flatten(1)


@pytest.mark.parametrize("variant", variants(), ids=str)
def test_an_example_does_not_depend_on_its_batch(variant):
    assert_batch_does_not_matter(variant.build(), variant.examples())


def test_every_model_that_takes_a_backend_is_tried_on_each():
    takes = {name for name in MODELS if "backend" in schema.signature(Variant(name).node["_target_"]).runtime}
    assert takes - EXEMPT == WITH_CIRCUITS.keys()
    assert set(MODELS) >= EXEMPT


# ---- the check itself


class Leaky(nn.Module):
    """Images to their sums, with one fault."""

    input = "image"

    def __init__(self, fault: str):
        super().__init__()
        self.fault, self.scale = fault, nn.Parameter(torch.ones(1, dtype=torch.float64))

    def forward(self, batch) -> Tensor:
        x = batch.image.double().sum((2, 3)) * self.scale
        match self.fault:
            case "batch norm":
                return nn.functional.batch_norm(x, None, None, training=True) if len(x) > 1 else x
            case "dropout":
                return nn.functional.dropout(x)
            case "batch size":
                return x / len(x)
            case "position":
                return x + torch.arange(len(x))[:, None]
            case _:
                return x


@pytest.mark.parametrize("fault", ["batch norm", "dropout", "batch size", "position", None])
def test_the_check_sees_what_it_should(fault):
    torch.manual_seed(0)
    batch = EXAMPLES["image"].random(5)
    if fault:
        with pytest.raises(AssertionError):
            assert_batch_does_not_matter(Leaky(fault), batch)
    else:
        assert_batch_does_not_matter(Leaky(None), batch)
