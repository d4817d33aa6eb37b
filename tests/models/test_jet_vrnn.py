"""The recurrent autoencoder of jets: closed form of its divergence, and what its score cannot depend on."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from hepexp.batch import DataSpec
from hepexp.errors import ConfigError
from hepexp.evaluation.evaluators.sequences import SequenceEvaluator, scores
from hepexp.losses.vrnn import Vrnn
from hepexp.models.jet_vrnn import JetVRNN, normal_kl
from hepexp.models.pfn import PFN
from tests.jets import random_jets


def vrnn(**keys) -> JetVRNN:
    torch.manual_seed(1)
    return JetVRNN(**keys).double().eval()


def test_the_divergence_is_that_of_torch_and_zero_between_equal_distributions():
    a, b, c, d = torch.randn(4, 50, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    normal = torch.distributions.Normal
    expected = torch.distributions.kl_divergence(normal(a, (b / 2).exp()), normal(c, (d / 2).exp()))
    assert_close(normal_kl(a, b, c, d), expected)
    assert_close(normal_kl(a, b, a, b), torch.zeros_like(a))


def test_the_output_depends_neither_on_padding_nor_on_the_order_of_particles_nor_on_other_jets():
    jets, model = random_jets(n_jets=6), vrnn(n_particles=5)
    found = model(jets)
    turned = torch.randperm(jets.mask.shape[1], generator=torch.Generator().manual_seed(3))
    other = replace(jets, p4=jets.p4[:, turned], scalars=jets.scalars[:, turned], mask=jets.mask[:, turned])
    assert_close(model(other), found, rtol=0, atol=1e-10)
    wider = [torch.cat([value, torch.zeros_like(value[:, :3])], 1) for value in (jets.p4, jets.scalars, jets.mask)]
    padded = replace(jets, p4=wider[0], scalars=wider[1], mask=wider[2])
    assert_close(model(padded), found, rtol=0, atol=1e-10)
    alone = model(replace(jets, p4=jets.p4[2:3], scalars=jets.scalars[2:3], mask=jets.mask[2:3], label=jets.label[2:3]))
    assert_close(alone, found[2:3], rtol=0, atol=1e-10)


def test_constituents_come_hardest_first_and_what_comes_later_does_not_change_what_was_said_before():
    jets = random_jets(n_jets=4)
    long, short = vrnn(n_particles=6).steps(jets), vrnn(n_particles=3).steps(jets)
    assert (long.share.diff(dim=1) <= 0).all()
    assert_close(long.share.sum(1), torch.ones(4, dtype=torch.float64))
    assert_close(long.kl[:, :3], short.kl, rtol=0, atol=1e-12)
    assert_close(long.y[:, :3], short.y, rtol=0, atol=1e-12)


def test_scales_make_constituents_of_mean_zero_and_variance_one():
    jets, model = random_jets(n_jets=50), vrnn()
    model.take_scales([jets])
    found = model.steps(jets)
    x = found.x[found.mask]
    assert_close(x.mean(0), torch.zeros(3, dtype=torch.float64), rtol=0, atol=1e-12)
    assert_close(x.std(0, correction=0), torch.ones(3, dtype=torch.float64))
    assert (found.x[~found.mask] == 0).all()


def test_of_jets_whose_constituents_are_equally_hard_the_weights_make_no_difference():
    jets = random_jets(n_jets=5)
    pt = torch.hypot(jets.p4[..., 1], jets.p4[..., 2]).clamp(min=1e-9)
    jets = replace(jets, p4=torch.where(jets.mask[..., None], jets.p4 / pt[..., None], 0))
    model = vrnn()
    plain, weighted = (Vrnn(weighted=w).eval().outputs(model, jets)["kl"] for w in (False, True))
    assert_close(plain, weighted)
    terms, outputs = Vrnn(kl_weight=0.3).eval().terms(model, jets)
    assert_close(terms["loss"], (outputs["error"] + 0.3 * outputs["kl"]).mean())


def test_the_score_is_monotonic_in_the_divergence_and_the_mass_is_that_of_the_jet():
    jets = random_jets(n_jets=8)
    found = {name: value.detach().numpy() for name, value in Vrnn().eval().outputs(vrnn(), jets).items()}
    score = scores(found)["kl"]
    assert (np.argsort(score) == np.argsort(found["kl"])).all()
    assert ((score >= 0) & (score < 1)).all()
    total = jets.p4.sum(1).numpy()
    np.testing.assert_allclose(found["mass"] ** 2, total[:, 0] ** 2 - (total[:, 1:] ** 2).sum(1), rtol=1e-9)


def test_unseen_classes_are_the_signal_and_of_seen_ones_alone_there_is_no_search():
    rng = np.random.default_rng(4)
    label = np.repeat([0, 1], 200)
    columns = {name: rng.random(400) + label for name in ("kl", "error")} | {"loss": rng.random(400)}
    outputs = {
        **columns,
        "index": np.arange(400),
        "label": label,
        "multiplicity": np.ones(400),
        "mass": 1.0 - label,
        "reference/label": np.zeros(9),
    }
    found = SequenceEvaluator().final(outputs, seed=1)
    assert found["anomaly_auc"] == found["anomaly_auc_reconstruction"] == 1
    assert found["anomaly_auc_multiplicity"] == 0.5
    assert found["anomaly_auc_mass"] == 0
    outputs["reference/label"] = np.arange(2)
    assert "anomaly_auc" not in SequenceEvaluator().final(outputs, seed=1)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: JetVRNN(n_latent=0), "model.n_latent must be between 1 and 1,000, got 0"),
        (lambda: JetVRNN(n_particles=10**9), "model.n_particles must be between 1 and 1,000, got 1000000000"),
        (lambda: Vrnn(kl_weight=-1), "loss.kl_weight must be >= 0, got -1"),
        (lambda: Vrnn().prepare(PFN(n_scalars=0, n_classes=2), None, DataSpec(("a", "b"))), "needs model=jet_vrnn"),
    ],
)
def test_values_that_make_no_sense_are_refused(make, said):
    with pytest.raises(ConfigError, match=said):
        make()
