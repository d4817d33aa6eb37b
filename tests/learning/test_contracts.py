"""What cannot be trained is refused in one line: before the data are read, where their names and sizes tell."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf
from torch import nn

from hepexp.config.command_line import read
from hepexp.config.compose import Composer
from hepexp.config.overrides import compose
from hepexp.config.paths import conf_dir
from hepexp.data.loading.datamodule import HepDataModule
from hepexp.errors import ConfigError
from hepexp.learning import contracts
from hepexp.learning.components import Components, build_components
from hepexp.losses.objective import Objective, width_of
from hepexp.models.layers.steerable_basis import steerable_basis
from hepexp.models.pfn import PFN
from tests.data.small import use_small_samples

SMALL = ("dataset.source=mini", "dataset.n_train=24", "dataset.n_val=8", "dataset.n_test=8", "dataset.batch_size=8")
# one of each kind: scores of classes, embeddings, and an autoencoder, which gives an embedding too
MODELS = {
    "pfn": ("data=qg", "model=pfn"),
    "cnn": ("data=qg_images", "data.crop=16", "model=cnn"),
    "graph_encoder": ("data=qg", "model=graph_encoder"),
    "vae": ("data=qg_images", "data.crop=16", "model=vae", "model.n_latent=4"),
}
REFUSED = {
    ("cross_entropy", "graph_encoder"): "loss=cross_entropy needs one output for each of 2 classes, GraphEncoder give",
    ("cross_entropy", "vae"): "loss=cross_entropy needs one output for each of 2 classes, VAE gives 4",
    ("elbo", "pfn"): "loss=elbo needs a variational autoencoder of images, not PFN",
    ("elbo", "cnn"): "loss=elbo needs a variational autoencoder of images, not CNN",
    ("elbo", "graph_encoder"): "loss=elbo needs a variational autoencoder of images, not GraphEncoder",
}  # fmt: skip
LOSSES = sorted(path.stem for path in (conf_dir() / "loss").glob("*.yaml"))


@pytest.fixture(autouse=True)
def small_samples(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HEPEXP_DATA_DIR", str(tmp_path))
    use_small_samples(monkeypatch)


def components_of(*words: str) -> Components:
    """The components of `hepexp train WORDS` on a small sample; words come after the sizes, and so before them."""
    config = compose(read([*SMALL, *words]))
    OmegaConf.set_struct(config, False)
    config.choices = dict(config.hydra.runtime.choices)
    return build_components(config)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("loss", LOSSES)
def test_a_loss_judges_what_a_model_gives_or_refuses_it(loss: str, model: str):
    words = (*MODELS[model], f"loss={loss}")
    try:
        components = components_of(*words)
    except ConfigError as error:
        message = str(error)
    else:
        message = ""
    assert message.startswith(REFUSED.get((loss, model), ""))
    if message:
        assert len(message.splitlines()) == 1
        return
    module, batch = components.module.eval(), next(iter(components.data.loader_of("val")))
    with torch.no_grad():
        terms, _ = module.objective.terms(module.model, batch)
    assert terms["loss"].isfinite()


CONTRASTIVE = ("supervised_contrastive", "pair", "triplet", "infonce")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        *[((f"loss={loss}", "data=qg_images", "model=cnn", "data.train_classes=[quark]"), "all of them are of quark")
          for loss in (*CONTRASTIVE, "cross_entropy")],
        (("loss=pair", "data=jetclass", "model=pfn", "data.classes=[Hbb]"), "PairLoss tells classes apart, so it needs "
         "training examples of >= 2 classes, but all of them are of Hbb; see dataset.classes and "
         "dataset.train_classes"),
        (("data=jetclass", "model=pfn", "data.classes=[]"), "dataset.classes must name one or more of QCD, Hbb"),
        *[((f"loss={loss}", "model=pfn", "data.batch_size=1"), "compares the examples of a batch, so "
           "dataset.batch_size and dataset.n_train must be >= 2 for each device, got 1") for loss in CONTRASTIVE],
        (("loss=pair", "model=pfn", "data.n_train=1"), ">= 2 for each device, got 1"),
        (("loss=pair", "model=pfn", "trainer.devices=8", "trainer.strategy=ddp"), ">= 2 for each device, got 1"),
        (("loss=pair", "model=pfn", "trainer.devices=3", "trainer.strategy=ddp"), "multiple of their number, 3, got 8"),
        (("loss=triplet", "model=pfn", "loss.alpha=1.5"), "loss.alpha must be between 0 and 1, got 1.5"),
        (("loss=triplet", "model=pfn", "loss.alpha=0.5", "loss.states=null"), "loss.states makes: it must not be null"),
        (("loss=infonce", "model=pfn", "loss.similarity=fidelity", "backend=classical"), "loss.similarity=fidelity "
         "compares circuit states, and this backend has none; choose backend=statevector"),
        (("loss=infonce", "model=pfn", "loss.alpha=0", "backend=pennylane", "backend.shots=10"), "loss.alpha=0 "
         "compares circuit states: a state vector takes no shots: backend.shots must be null, got 10"),
        (("loss=ntxent", "model=pfn", "data.views.rotate=180", "loss.alpha=0", "backend.depolarising=0.1"), "alpha=0 "
         "compares circuit states: a state vector has no noise"),
        (("loss=ntxent", "data=mnist", "model=cnn", "data.views.crop=0.3", "data.classes=['3']"), "NTXent is "
         "evaluated by how classes are told apart, so it needs training examples of >= 2 classes, but "
         "all of them are of 3"),
        (("loss=swag", "model=pfn", "trainer.keep=last", "trainer.patience=null", "trainer.ema=0.9"), "Swag predicts "
         "by networks of the end of the training: set trainer.ema=null"),
        (("data=lhco", "model=mlp", "data.labels=data"), "CrossEntropy tells classes apart, so it needs training "
         "examples of >= 2 classes, but all of them are of signal"),
        (("loss=swag", "model=pfn"), "of the end of the training: set trainer.keep=last trainer.patience=null"),
        (("loss=swav", "model=pfn"), "SwAV compares two random views of each example; turn some on, such as"),
        (("loss=infonce", "model=pfn", "loss.temperature=-1"), "loss.temperature must be > 0, got -1"),
        (("loss=infonce", "model=pfn", "loss.alpha=0", "loss.states.n_qubits=60"), "compares circuit states: a circuit "
         "of 60 qubits"),
        (("data=mnist", "model=pfn"), "reads particles, data set mnist gives image, graph"),
        (("data=electron_photon", "model=lorentznet"), "reads particles, data set electron_photon gives image, graph"),
        (("model=pfn", "evaluation.metrics=[class_auc]"), "class_auc is for >= 3 classes, the data set has 2"),
        (("model=pfn", "evaluation.background=glon"), "background=glon is not a class; did you mean gluon?"),
        (("model=pfn", "evaluation.working_points={glon: [0.3]}"), "working_points.glon is not a class; did you mean"),
        (("loss=mse", "model=pfn", "data.targets=[mass]", "evaluation.metrics=[class_auc]"), "has a RegressionEval"),
        (("loss=mse", "model=pfn", "data.targets=[mass]", "loss.compare_with=[pt]"), "'pt' is not among dataset.obs"),
        (("data=mnist", "model=cnn", "evaluation.metrics=[mass_sculpting]"), "evaluation.metrics: mass"),
        (("loss=supervised_contrastive", "loss.temperature=0"), "loss.temperature must be > 0, got 0"),
        (("loss=pair", "loss.margin=0"), "loss.margin must be > 0, got 0"),
        (("loss=elbo", "loss.beta=-1"), "loss needs beta >= 0 and occupied_weight >= 1, got -1 and 1.0"),
        (("loss.label_smoothing=1",), "loss.label_smoothing must be in [0, 1), got 1"),
        (("loss=supervised_contrastive", "loss.projector=[0]"), "loss.projector must be widths > 0, got [0]"),
        (("loss=supervised_contrastive", "loss.temperature=nan"), "loss.temperature must be finite, got nan"),
        (("model=lorentznet", "model.c=inf"), "model.c must be finite, got inf; see: hepexp show model=lorentznet"),
        (("data.views.soft=inf",), "dataset.views.soft must be finite, got inf; see: hepexp show dataset=qg"),
        (("data.views.soft=1e300",), "dataset.views.soft must be at most 3.4e+38 in size, got 1e+300"),
        (("loss=infonce", "loss.states.eps=nan"), "loss.states.eps must be finite, got nan"),
        (("model=hybrid_cnn", "data=mnist", "model.circuit=[1]"), "got [1]; see: hepexp show model=hybrid_cnn;"),
        (("backend=pennylane", "backend.device=nowhere"), "backend.device: PennyLane has no device 'nowhere'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)  # fmt: skip
def test_what_cannot_be_trained_is_refused_before_the_data_are_read(monkeypatch, words, said: str):
    def read(self) -> None:
        raise AssertionError("the data are read")

    monkeypatch.setattr(HepDataModule, "prepare_data", read)
    monkeypatch.setattr(HepDataModule, "setup", read)
    with pytest.raises(ConfigError) as error:
        components_of(*words)
    assert said in str(error.value)
    assert len(str(error.value).splitlines()) == 1


def test_targets_of_edges_need_the_edges_of_the_files(monkeypatch, tmp_path):
    monkeypatch.setattr(HepDataModule, "prepare_data", lambda self: pytest.fail("the data are read"))
    columns = {name: np.ones((9, 3)) for name in ("pt", "eta", "phi")}
    columns |= {name: np.zeros((9, 4), int) for name in ("a", "b", "same")}
    np.savez(tmp_path / "f.npz", **columns)
    words = ["dataset=files", f"dataset.files=[{tmp_path}/f.npz]", "dataset.p4={pt: pt, eta: eta, phi: phi, mass: 0}"]
    words += ["dataset.edges={from: a, to: b}", "dataset.edge_targets=[same]", "loss=pair_cross_entropy"]
    of_files = r"dataset.edge_targets=\[same\] belong to the edges in the files .* choose "
    with pytest.raises(ConfigError, match=f"{of_files}dataset.graph.edges=given$"):
        build_components(Composer([]).compose([*words, "model=gin", "dataset.graph.edges=nearest"]))
    with pytest.raises(ConfigError, match=f"{of_files}a model that reads graphs, such as model=gin model.level=edge$"):
        build_components(Composer([]).compose([*words, "model=pfn"]))


def test_a_model_that_normalises_over_one_example_is_refused():
    words = ("data=qg_images", "data.crop=8", "data.batch_size=1")
    with pytest.raises(ConfigError, match=r"PlainCNN cannot train on one example at a time .*batch_size must be >= 2"):
        components_of("model=plain_cnn", *words)
    components_of("model=vit", *words)  # normalises over the channels


@pytest.mark.parametrize("missing", ["escnn", "pymanopt"])
def test_without_escnn_only_the_steerable_models_say_what_to_do(monkeypatch, missing: str):
    monkeypatch.setitem(sys.modules, missing, None)
    steerable_basis.cache_clear()  # another test of this process may have left it
    words = ("data=qg_images", "data.crop=8")
    with pytest.raises(ConfigError) as error:
        components_of("model=steerable_cnn", *words)
    assert str(error.value).startswith(f"{missing} is not installed; make setup, or pip install --no-deps escnn==1.0")
    for model in ("plain_cnn", "cnn", "vit"):
        components_of(f"model={model}", *words)
    components_of("model=steerable_cnn", "model.group=SO2", "model.size=lite", *words)


class Gives(nn.Module):
    """A model that gives the same whatever it reads."""

    def __init__(self, output: object):
        super().__init__()
        self.output = output

    def forward(self, batch: object) -> object:
        return self.output


@pytest.mark.parametrize(
    ("output", "said"),
    [
        ((torch.zeros(1, 2), 0), "the loss needs a tensor (B, D) from Gives, got a tuple"),
        (torch.zeros(1), "the loss needs a tensor (B, D) from Gives, got (1,) for one example"),
        (torch.zeros(1, 3, 2), "the loss needs a tensor (B, D) from Gives, got (1, 3, 2) for one example"),
        (torch.zeros(7, 2), "the loss needs a tensor (B, D) from Gives, got (7, 2) for one example"),
    ],
)
def test_a_model_that_gives_no_row_for_an_example_is_refused(output, said: str):
    assert width_of(Gives(torch.zeros(1, 5)), [0]) == 5
    with pytest.raises(ConfigError) as error:
        width_of(Gives(output), [0])
    assert str(error.value) == said


def test_a_data_set_of_a_plugin_need_not_name_its_classes():
    class Loss(Objective):
        min_batch = 2
        min_classes = 2

    contracts.check_examples(Loss(), object(), 2)


def test_an_input_that_is_no_representation_is_refused(monkeypatch):
    monkeypatch.setattr(PFN, "input", "particle")
    with pytest.raises(ConfigError, match=r"PFN has input = 'particle'; expected one of particles, .*did you mean"):
        components_of("model=pfn")
