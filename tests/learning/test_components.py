from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from hepexp.config import record
from hepexp.config.compose import Composer
from hepexp.config.paths import conf_dir
from hepexp.learning.components import build_components

READERS = sorted(path.stem for path in (conf_dir() / "model").glob("*.yaml") if "use_scalars:" in path.read_text())


def parts_of(model, *more):
    config = Composer([]).compose([f"model={model}", "dataset.source=mini", "dataset.n_train=64", *more])
    return build_components(config)


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What chooses 60 jets in a file of one's own, with charge and impact parameter of the particles as scalars."""
    monkeypatch.setenv("HEPEXP_DATA_DIR", str(tmp_path))
    random = np.random.default_rng(0)
    columns = {name: random.normal(size=(60, 4)) for name in ("eta", "phi", "c_q", "c_d0")}
    np.savez(tmp_path / "jets.npz", **columns, pt=random.exponential(20, (60, 4)) + 1, y=np.arange(60) % 2)
    momenta = "dataset.p4={pt: pt, eta: eta, phi: phi, mass: 0}"
    classes = ("dataset.label=y", "dataset.classes={a: 0, b: 1}")
    return ["dataset=files", f"dataset.files=[{tmp_path / 'jets.npz'}]", momenta, *classes]


@pytest.mark.parametrize("name", READERS)
def test_scalars_that_a_user_names_are_read(name, own):
    def read(*scalars: str) -> tuple[bool, str]:
        found = build_components(Composer([]).compose([f"model={name}", *own, *scalars]))
        return found.module.model.use_scalars, found.unread

    named = "dataset.scalars=[c_q,c_d0]"
    assert read(named) == (True, "")
    assert read() == (False, "")
    said = "not read by this model: c_q, c_d0; model.use_scalars=true reads them"
    assert read(named, "model.use_scalars=false") == (False, said)


@pytest.mark.parametrize("name", ["pfn", "pelican", "particlenet_lite", "transformer"])
def test_bare_commands_on_the_shipped_sets_read_what_was_published(name):
    on_qg = parts_of(name, "dataset=qg")
    assert not on_qg.module.model.use_scalars
    assert on_qg.unread.startswith(
        "not read by this model: |pdgid|=11, |pdgid|=13, |pdgid|=22, |pdgid|=130, |pdgid|=211 and 3 more;"
    )
    assert parts_of(name, "dataset=top").unread == ""
    on_jetclass = parts_of(name, "dataset=jetclass")
    with_types = name in ("particlenet_lite", "transformer")
    assert on_jetclass.module.model.use_scalars == with_types
    assert (on_jetclass.unread == "") == with_types


def test_models_that_read_no_scalars_say_so(own):
    named = (*own, "dataset.scalars=[c_q]")
    for name, said in {"efn": "c_q", "cnn": "c_q", "lorentznet": "", "gcn": ""}.items():
        unread = build_components(Composer([]).compose([f"model={name}", *named])).unread
        assert unread == (said and f"not read by this model: {said}")


@pytest.mark.parametrize(
    ("target", "scalars", "was"),
    [
        ("files.module.Files", ["c_q"], False),
        ("files.module.Files", [], False),
        ("qg.module.QuarkGluon", "pid", False),
        ("qg.module.QuarkGluon", "kinpid", True),
        ("jetclass.module.JetClass", "full", True),
    ],
)
def test_a_record_from_before_keeps_what_null_was(target, scalars, was, tmp_path: Path):
    dataset = {"_target_": f"hepexp.data.datasets.{target}", "scalars": scalars}
    for given, found in ((None, was), (False, False), (True, True)):
        model = {"_target_": "hepexp.models.particle_net.ParticleNet", "use_scalars": given}
        (tmp_path / "config.yaml").write_text(yaml.safe_dump({"model": model, "dataset": dataset}))
        assert record.load(tmp_path / "config.yaml").model.use_scalars is found


@pytest.mark.parametrize("model", ["harmonic", "plain_cnn"])
def test_padding_that_moves_images_off_the_centre_of_rotations_is_named(model):
    small = ("dataset=qg_images", "model.widths=[2]", "model.convs=[1]")
    said = parts_of(model, *small, "dataset.crop=13", "dataset.image.pad_to=16").off_centre
    assert parts_of(model, *small, "dataset.crop=13", "dataset.image.pad_to=17").off_centre == ""
    if model == "harmonic":
        assert said.startswith("dataset.image.pad_to=16 moves 13 x 13 pixels half a pixel off the centre")
        assert said.endswith("it is with 17")
    else:
        assert said == ""


@pytest.mark.parametrize(
    ("model", "words", "part"),
    [
        (
            "latent_flow",
            (
                "dataset=rotated_points",
                "loss=latent_flow",
                "model.metric=null",
                "model.oracle={_target_: hepexp.models.mlp.MLP}",
            ),
            "oracle",
        ),
        ("latent_classifier", ("dataset=mnist",), "encoder"),
        ("mlp", ("dataset=rotated_points",), ""),
    ],
)
def test_a_network_inside_that_learns_nothing_is_named_unless_it_was_trained(model, words, part, tmp_path):
    said = parts_of(model, *words).frozen
    if not part:
        assert said == ""
        return
    assert said.startswith(f"{part} with random weights")
    assert said.endswith(f"model.{part}.weights=RUN")
    inside = getattr(parts_of(model, *words).module.model, part)
    torch.save(inside.state_dict(), tmp_path / "trained.pt")
    assert parts_of(model, *words, f"+model.{part}.weights={tmp_path / 'trained.pt'}").frozen == ""
