"""The equivariance penalty: zero of an invariant network, known in closed form of others, and less after a training."""

import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score
from torch import nn
from torch.testing import assert_close

from hepexp.batch import DataSpec
from hepexp.data.representations.jet_features import JetFeatures
from hepexp.data.representations.jet_image import JetImage
from hepexp.data.representations.pixel_image import PixelImage
from hepexp.data.representations.representation import Particles
from hepexp.data.transforms.frame import StandardFrame
from hepexp.data.transforms.particle_selection import WithBeams
from hepexp.errors import ConfigError
from hepexp.evaluation.classifiers.breaking import breaking
from hepexp.evaluation.options import EvaluationOptions
from hepexp.learning.module import ExperimentModule
from hepexp.learning.optimizers import AdamW
from hepexp.losses.cross_entropy import CrossEntropy
from hepexp.losses.small_elements import GROUPS
from hepexp.models.lorentz_net import LorentzNet
from hepexp.models.pfn import PFN
from tests.examples import random_images
from tests.images import centre, spot
from tests.jets import random_jets
from tests.learning.toy import ToyData, toy_components

SIZES = {"n_scalars": 8, "n_classes": 2}


def penalised(penalty: float = 1.0, group: str | None = None, size: float = 0.1, training: bool = False):
    return CrossEntropy(0.0, penalty, group, size).train(training)


def with_views(loss: CrossEntropy, batch, seed: int = 1, representation=None):
    return replace(batch, views=loss.own_views(representation or Particles())(batch, seed))


def penalty_of(model: nn.Module, batch, group: str | None = None, **more) -> float:
    loss = penalised(group=group, **more)
    return loss.terms(model.double(), with_views(loss, batch))[0]["equivariance_penalty"].item()


def lorentz_net(**keys) -> nn.Module:
    torch.manual_seed(0)
    return LorentzNet(n_hidden=8, n_blocks=2, **keys, **SIZES).double()


@pytest.mark.parametrize("group", GROUPS["particles"])
@pytest.mark.parametrize("training", [False, True], ids=["evaluation", "training"])
def test_an_invariant_network_has_none_and_dropout_makes_none(group, training):
    """In training, too, where other units are dropped in each step: the same for g x as for x."""
    model = lorentz_net(dropout=0.5).train(training)
    assert penalty_of(model, random_jets(), group, training=training) < 1e-20


@pytest.mark.parametrize("group", GROUPS["particles"])
def test_a_plain_network_has_one_for_what_it_does_not_respect(group):
    torch.manual_seed(0)
    found = penalty_of(PFN(phi_sizes=(16, 16), f_sizes=(16,), **SIZES), random_jets(), group)
    # it reads pT, y and phi relative to the axis, which a translation leaves alone
    assert found < 1e-20 if group == "translate" else found > 1e-9


def test_beams_break_the_boosts():
    model = lorentz_net(symmetry_breaking="beam").eval()
    assert penalty_of(model, random_jets(), "lorentz") > 1e-9
    assert penalty_of(model, random_jets(), "translate") > 1e-9  # a boost along the beams changes p_i k_beam


class Azimuth(nn.Module):
    """Logits (+-) k phi of the first particle, which a rotation about the beam changes by k times its angle."""

    def __init__(self, k: float = 5.0):
        super().__init__()
        self.k = nn.Parameter(torch.tensor(k, dtype=torch.float64))

    def forward(self, batch):
        phi = torch.atan2(batch.p4[:, 0, 2], batch.p4[:, 0, 1])
        return self.k * torch.stack([phi, -phi], dim=1) + 7.0 * phi[:, None]


def test_the_penalty_of_a_known_function_is_that_of_a_uniform_angle():
    """E (k angle)^2 = k^2 s^2 / 3; what both logits have in common changes no probability and does not count."""
    n, size = 4000, 0.2
    p4 = torch.tensor([5.0, 3.0, 1.0, 2.0], dtype=torch.float64).expand(n, 1, 4)
    jets = replace(
        random_jets(n_jets=n, n_min=1, n_max=1), p4=p4, mask=torch.ones(n, 1, dtype=bool), scalars=torch.zeros(n, 1, 8)
    )
    found = penalty_of(Azimuth(5.0), jets, "translate", size=size)
    assert found == pytest.approx(25 * size**2 / 3, rel=0.05)


def test_the_loss_is_cross_entropy_plus_the_penalty_with_its_weight():
    jets, model = random_jets(), PFN(phi_sizes=(16,), f_sizes=(16,), **SIZES).double()
    loss = penalised(penalty=30.0)
    terms, outputs = loss.terms(model, with_views(loss, jets))
    plain = CrossEntropy().terms(model, jets)[0]["loss"]
    assert_close(terms["loss"], plain + 30 * terms["equivariance_penalty"])
    assert_close(outputs["loss"].mean(), terms["loss"].detach())
    assert CrossEntropy().terms(model, jets)[0].keys() == {"loss"}


def test_negative_weights_do_not_reward_the_breaking():
    jets, model = random_jets(), PFN(phi_sizes=(16,), f_sizes=(16,), **SIZES).double()
    loss, weight = penalised(penalty=3.0), torch.tensor([1.0, -2.0, 0.5, -1.0, 1.0, 1.0, 0.0, -3.0])
    jets = with_views(loss, jets)
    of_each = loss.terms(model, jets)[1]["squared_change"]
    terms = loss.terms(model, replace(jets, weight=weight))[0]
    assert_close(terms["equivariance_penalty"].detach(), (weight.abs() * of_each).sum() / weight.abs().sum())
    plain = CrossEntropy().terms(model, replace(jets, weight=weight))[0]["loss"]
    assert_close(terms["loss"], plain + 3 * terms["equivariance_penalty"])


def test_a_group_without_a_penalty_is_measured_and_not_trained_for():
    jets, model = random_jets(), PFN(phi_sizes=(16,), f_sizes=(16,), **SIZES).double()
    loss = penalised(penalty=0.0, group="boost")
    jets = with_views(loss, jets)
    plain = CrossEntropy().terms(model, jets)[0]["loss"]
    terms, _ = loss.terms(model, jets)
    assert torch.equal(terms["loss"], plain)
    assert terms["equivariance_penalty"] > 0
    assert loss.train().terms(model, jets)[0].keys() == {"loss"}
    assert CrossEntropy().own_views(Particles()) is None


def test_it_falls_in_training():
    """Of the same network from the same weights, with and without the penalty."""

    def trained(penalty: float) -> float:
        torch.manual_seed(0)
        jets, model = random_jets(n_jets=32), PFN(phi_sizes=(16, 16), f_sizes=(16,), **SIZES).double()
        loss = penalised(penalty=penalty, group="lorentz", training=True)
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
        for step in range(60):
            optimizer.zero_grad()
            loss.terms(model, with_views(loss, jets, step))[0]["loss"].backward()
            optimizer.step()
        return penalty_of(model, jets, "lorentz")

    assert trained(100.0) < 0.1 * trained(0.0)


def test_elements_follow_from_seed_step_and_rank_and_are_logged():
    made = toy_components()
    made.module = ExperimentModule(made.module.model, penalised(), AdamW(lr=1e-2), seed=1)
    made.module.draw_views = made.module.objective.own_views(Particles())
    module, batch = made.module, made.data._batch(torch.arange(16))

    def drawn(number=3, rank=0, seed=1, stage="train"):
        module.seed, module._trainer = seed, SimpleNamespace(global_rank=rank)
        torch.manual_seed(number + rank)  # of no influence
        return module.with_views(batch, number, stage).views[1].p4

    assert torch.equal(drawn(), drawn())
    for other in ({"number": 4}, {"rank": 1}, {"seed": 2}, {"stage": "test"}):
        assert not torch.allclose(drawn(), drawn(**other)), other


class Centre(nn.Module):
    """Where the mean of the image is."""

    def forward(self, batch):
        return centre(batch.image)


def test_images_turn_about_their_centre_by_a_small_angle():
    """(x, y) moves by angle (-y, x); less their mean the logits are (x - y) / 2 and its opposite."""
    n, size = 400, 0.2
    batch = replace(random_images(1), image=spot(41, 41, 8.0, 3.0).expand(n, -1, -1, -1))
    batch.label = torch.zeros(n, dtype=torch.long)
    loss = penalised(size=size)
    terms, _ = loss.terms(Centre(), with_views(loss, batch, representation=PixelImage()))
    assert terms["equivariance_penalty"].item() == pytest.approx((8 + 3) ** 2 / 4 * size**2 / 3, rel=0.1)


def test_the_breaking_is_the_rms_change_over_the_spread():
    random = np.random.default_rng(1)
    z = random.normal(size=500)
    z = 3 * (z - z.mean()) / z.std()
    found = breaking(np.stack([z, -z], 1) + random.normal(size=(500, 1)), np.full(500, 0.25), seed=1)
    assert found["symmetry/breaking"] == pytest.approx(0.5 / 3)
    assert found["equivariance_penalty"] == pytest.approx(0.25)
    same = breaking(np.zeros((5, 2)), np.zeros(5), seed=1)
    assert math.isnan(same["symmetry/breaking"])


@pytest.mark.parametrize("invariant", [True, False])
def test_the_auc_of_moved_examples_is_that_of_their_scores(invariant):
    torch.manual_seed(0)
    model = lorentz_net().eval() if invariant else PFN(phi_sizes=(16,), f_sizes=(16,), **SIZES).double().eval()
    loss, jets = penalised(penalty=0.0, group="lorentz", size=1.0), random_jets(n_jets=60)
    jets = with_views(loss, jets)
    _, outputs = loss.terms(model, jets)
    columns = {name: value.numpy() for name, value in {**outputs, "label": jets.label, "index": jets.index}.items()}
    found = loss.evaluator.with_options(EvaluationOptions(), DataSpec(("a", "b"))).final(columns, seed=1)
    with torch.no_grad():
        expected = model(jets.views[1])[:, 1] - model(jets.views[1])[:, 0]
    assert found["symmetry/auc_moved"] == pytest.approx(roc_auc_score(jets.label, expected))
    assert found["symmetry/auc_moved_err"] > 0
    if invariant:
        assert found["symmetry/auc_moved"] == pytest.approx(found["auc"])


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"equivariance_penalty": -1.0}, "loss.equivariance_penalty must be >= 0, got -1.0"),
        ({"equivariance_group": "so3"}, "loss.equivariance_group must be null or one of lorentz, rotate, boost, tra"),
        ({"equivariance_size": 0.0}, r"loss.equivariance_size must be in \(0, 3\], got 0.0"),
    ],
)
def test_values_without_meaning_are_refused(keys, said):
    with pytest.raises(ConfigError, match=said):
        CrossEntropy(**keys)


@pytest.mark.parametrize(
    ("group", "representation", "said"),
    [
        (
            "boost",
            PixelImage(),
            "loss.equivariance_group=boost does not act on image, which this model reads; expected r",
        ),
        (None, JetFeatures(), "are for models of particles or images, this one reads features: leave them out"),
        (None, Particles().with_transforms(WithBeams()), "does not tell the beams of dataset.beams=true from particle"),
        (
            None,
            Particles().with_transforms(StandardFrame("rotated")),
            "would transform jets behind dataset.frame, which",
        ),
        ("rotate", PixelImage(rotate=True), "would rotate images behind dataset.image.rotate, which has made them inv"),
        ("rotate", JetImage(rotate=True), "would rotate images behind dataset.image.rotate, which has made them inv"),
        (None, None, "this one reads something else"),
    ],
)
def test_data_on_which_the_group_does_not_act_are_refused(group, representation, said):
    with pytest.raises(ConfigError) as error:
        penalised(group=group).own_views(representation)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_it_is_among_the_figures_of_an_epoch_where_it_is_measured():
    from hepexp.evaluation.options import EvaluationOptions

    spec = DataSpec(class_names=ToyData.spec.class_names)
    of = {
        loss: loss.evaluator.with_options(EvaluationOptions(), spec).figures_of_an_epoch()
        for loss in (CrossEntropy(), penalised())
    }
    without, with_it = of.values()
    assert {*with_it} - {*without} == {"equivariance_penalty"}
