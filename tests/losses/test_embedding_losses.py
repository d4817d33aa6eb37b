"""Losses on embeddings against their closed forms, and against loops written from the equations."""

import math

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from hepexp.batch import DataSpec
from hepexp.errors import ConfigError
from hepexp.losses.all_pairs import partners
from hepexp.losses.pair import PairLoss
from hepexp.losses.supervised_contrastive import SupervisedContrastive

G = torch.Generator().manual_seed(0)
Z = torch.randn(12, 5, generator=G, dtype=torch.float64)
LABEL = torch.arange(12) % 3


def test_a_collapsed_embedding_has_the_logarithm_of_the_others_as_contrastive_loss():
    loss = SupervisedContrastive(projector=())
    assert_close(loss.compare(torch.ones(12, 5, dtype=torch.float64), LABEL).item(), math.log(11))


def test_contrastive_loss_is_the_sum_of_the_paper_s_equation():
    tau, z = 0.3, nn.functional.normalize(Z, dim=1)
    expected = 0.0
    for i in range(12):
        others = [a for a in range(12) if a != i]
        positives = [p for p in others if LABEL[p] == LABEL[i]]
        denominator = sum(torch.exp(z[i] @ z[a] / tau) for a in others)
        expected -= sum(torch.log(torch.exp(z[i] @ z[p] / tau) / denominator) for p in positives) / len(positives) / 12
    assert_close(SupervisedContrastive(tau, ()).compare(Z, LABEL), expected)


def test_an_example_alone_of_its_class_is_left_out_and_breaks_no_gradient():
    z = Z.clone().requires_grad_()
    loss = SupervisedContrastive(projector=()).compare(z, torch.arange(12))
    loss.backward()
    assert loss == 0
    assert torch.isfinite(z.grad).all()


def test_the_scale_of_an_embedding_does_not_matter_to_the_contrastive_loss():
    loss = SupervisedContrastive(projector=())
    assert_close(loss.compare(7 * Z, LABEL), loss.compare(Z, LABEL))


def test_a_collapsed_embedding_has_half_the_squared_margin_as_pair_loss():
    assert_close(
        PairLoss(margin=1.5).compare(torch.zeros(12, 5, dtype=torch.float64), LABEL).item(),
        1.5**2 / 2,
        rtol=0,
        atol=1e-5,
    )


def test_classes_far_apart_and_each_in_one_place_have_no_pair_loss():
    places = 10 * torch.eye(3, dtype=torch.float64)
    assert PairLoss().compare(places[LABEL], LABEL) < 1e-20


@pytest.mark.parametrize("random", [True, False])
def test_partners_are_allowed_and_never_the_example_itself(random: bool):
    for same in (True, False):
        for _ in range(20):
            chosen = partners(LABEL, same, random)
            assert ((LABEL[chosen] == LABEL) == same).all()
            assert (chosen != torch.arange(12)).all()


def test_an_example_without_a_partner_is_its_own():
    assert partners(torch.arange(4), True, True).tolist() == [0, 1, 2, 3]
    assert PairLoss().compare(Z[:4], torch.arange(4)) >= 0


def test_random_partners_reach_every_other_example():
    met = {tuple(partners(torch.zeros(3), True, True).tolist()) for _ in range(200)}
    assert len(met) == 8


def test_models_have_as_many_outputs_as_the_embedding_is_to_have():
    spec = DataSpec(("a", "b", "c"))
    assert PairLoss(embedding_dim=5).n_outputs(spec) == 5
    assert PairLoss().n_outputs(spec) == 3


def test_a_projector_is_trained_with_the_model_and_not_judged():
    objective, model = SupervisedContrastive(projector=(8, 4)), nn.Linear(5, 6)
    objective.prepare(model, Z.float(), DataSpec(("a", "b", "c")))
    assert [tuple(p.shape) for p in objective.projector.parameters()] == [(8, 6), (8,), (4, 8), (4,)]
    batch = type("Batch", (), {"label": LABEL})()
    terms, outputs = objective.terms(lambda _: model(Z.float()), batch)
    terms["loss"].backward()
    assert all(p.grad is not None for p in objective.parameters())
    assert outputs["embedding"].shape == (12, 6)
    assert "loss" not in outputs  # that of an example depends on the others of its batch


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SupervisedContrastive(temperature=0.0), "loss.temperature must be > 0, got 0.0"),
        (lambda: SupervisedContrastive(projector=(0,)), "loss.projector must be widths > 0"),
        (lambda: PairLoss(margin=-1.0), "loss.margin must be > 0, got -1.0"),
        (lambda: PairLoss(embedding_dim=0), "loss.embedding_dim must be >= 1, got 0"),
    ],
)
def test_values_out_of_range(make, message: str):
    with pytest.raises(ConfigError, match=message):
        make()
