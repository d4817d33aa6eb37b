"""The residual pathway prior: exactly invariant without its free pathway; closed forms of its prior and share."""

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from hepexp.errors import ConfigError
from hepexp.evaluation.classifiers.breaking import free_share
from hepexp.learning.module import ExperimentModule
from hepexp.learning.optimizers import AdamW
from hepexp.losses.cross_entropy import CrossEntropy
from hepexp.models.lorentz_net import LorentzNet
from hepexp.models.pfn import PFN
from hepexp.models.plain_cnn import PlainCNN
from hepexp.models.soft_lorentz import SoftLorentz
from tests.jets import random_jets, random_lorentz, transform

SIZES = {"n_scalars": 8, "n_classes": 2}


def build(**keys) -> SoftLorentz:
    torch.manual_seed(0)
    invariant, free = LorentzNet(n_hidden=8, n_blocks=2, **SIZES), PFN(phi_sizes=(16,), f_sizes=(8,), **SIZES)
    return SoftLorentz(invariant, free, **keys).double().eval()


@pytest.mark.parametrize("free_weight", [0.0, 1.0])
def test_it_is_exactly_invariant_without_the_free_pathway_and_only_then(free_weight):
    model, jets = build(free_weight=free_weight), random_jets()
    moved = model(transform(jets, random_lorentz(beta=0.9)))
    if free_weight:
        assert not torch.allclose(moved, model(jets), atol=1e-3)
    else:
        assert_close(moved, model(jets), rtol=0, atol=1e-9)


def test_the_logits_are_the_sum_of_both_pathways():
    model, jets = build(free_weight=0.3), random_jets()
    assert_close(model(jets), model.invariant(jets) + 0.3 * model.free(jets), rtol=0, atol=1e-7)
    assert_close(model(jets), sum(model.pathways(jets)), rtol=0, atol=0)


def test_the_prior_is_half_the_squares_of_the_weights_times_their_precisions():
    model = build(equivariant_precision=0.02, free_precision=3.0, free_weight=0.5)
    norms = [sum(p.square().sum() for p in part.parameters()) for part in (model.invariant, model.free)]
    assert_close(model.minus_log_prior(), 0.01 * norms[0] + 1.5 * (norms[1] + 0.25))
    assert build(equivariant_precision=0.0, free_precision=0.0).minus_log_prior() == 0


def test_a_narrower_prior_leaves_less_of_the_free_pathway():
    """After the same training on labels that depend on the direction of flight, which only the free pathway knows."""
    jets = random_jets(n_jets=64)
    jets.label = (jets.p4.sum(1)[:, 3] > 0).long()

    def share(precision: float) -> float:
        model, loss = build(free_precision=precision).train(), CrossEntropy()
        optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
        for _ in range(40):
            optimizer.zero_grad()
            (loss.terms(model, jets)[0]["loss"] + model.minus_log_prior()).backward()
            optimizer.step()
        outputs = loss.eval().terms(model.eval(), jets)[1]
        weight = loss.learnt(model)["free_weight"].detach().numpy()
        return free_share(outputs["pathways"].numpy(), weight, seed=1)["symmetry/free_share"]

    shares = [share(precision) for precision in (0.0, 1e-2, 1.0)]
    assert shares[0] > shares[1] > shares[2]
    assert shares[2] < 1e-3


def test_the_share_of_known_variances_is_found():
    random = np.random.default_rng(1)
    invariant, free = (scale * random.normal(size=(20_000, 1)) for scale in (2.0, 1.0))
    pathways = np.stack([invariant * [1, -1] + 3, free * [1, -1] + random.normal(size=(20_000, 1))], axis=1)
    found = free_share(pathways, np.array([0.4]), seed=1)
    assert found["symmetry/free_share"] == pytest.approx(1 / 5, rel=0.05)
    assert found["symmetry/free_weight"] == 0.4
    assert free_share(pathways * [[[1], [0]]], np.zeros(1), seed=1)["symmetry/free_share"] == 0


def test_training_adds_the_prior_to_the_loss_and_not_to_the_figure_that_is_compared():
    from types import SimpleNamespace

    module = ExperimentModule(build(free_precision=1.0), CrossEntropy(), AdamW(lr=1e-3), seed=1).double()
    module.eval()  # no dropout
    module._trainer = SimpleNamespace(
        global_step=0, accumulate_grad_batches=1, num_training_batches=1, global_rank=0, world_size=1
    )
    jets = random_jets()
    loss = module.training_step(jets, 0)
    plain = CrossEntropy().terms(module.model, jets)[0]["loss"]
    assert_close(loss, plain + module.model.minus_log_prior())
    means = module.training_means()
    assert means["loss"] == pytest.approx(plain.item())
    assert means["prior"] == pytest.approx(module.model.minus_log_prior().item())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"free_precision": -1.0}, "model.free_precision must be >= 0, got -1.0"),
        ({"free_weight": -0.1}, "model.free_weight must be >= 0, got -0.1"),
        ({"invariant": PFN(**SIZES)}, "model.invariant must be Lorentz-invariant, PFN with these keys is not"),
        (
            {"free": PlainCNN(widths=[2], convs=[1], image_shape=(1, 8, 8), n_classes=2)},
            "model.free must read particles, PlainCNN reads image",
        ),
    ],
    ids=["precision", "weight", "invariant", "free"],
)
def test_what_makes_no_residual_pathway_is_refused(change, said):
    keys = {"invariant": LorentzNet(n_hidden=8, n_blocks=1, **SIZES), "free": PFN(**SIZES)} | change
    with pytest.raises(ConfigError) as error:
        SoftLorentz(**keys)
    assert str(error.value).startswith(said)
