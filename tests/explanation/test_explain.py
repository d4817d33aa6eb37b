"""Explanations of several jets: those of each jet alone, in the order of the index, without the beams."""

from dataclasses import replace

import numpy as np
import torch

from hepexp.batch import DataSpec
from hepexp.explanation import averages
from hepexp.explanation.explain import Explained, Explainer
from hepexp.models.lorentz_net import LorentzNet
from tests.jets import random_jets, select

BEAM = torch.tensor([[100.0, 0, 0, 100.0], [100.0, 0, 0, -100.0]], dtype=torch.float64)


class Jets:
    """What an Explainer asks of a data set, of these jets."""

    representation = None

    def __init__(self, jets):
        self.jets, self.counts = jets, jets.mask.sum(1).numpy()

    def __getitem__(self, positions):
        return select(self.jets, list(positions))


def explainer(jets, has_beams=False):
    torch.manual_seed(0)
    model = LorentzNet(8, 2, n_scalars=8, n_classes=2, has_beams=has_beams).eval()
    spec = DataSpec(("background", "signal"), n_scalars=8, has_beams=has_beams)
    return Explainer(model, lambda batch: model(batch).softmax(1), spec, Jets(jets), "lrp")


def test_jets_of_different_length_are_explained_as_each_is_alone():
    jets = random_jets(12, 1, 6)
    together = explainer(jets).explain(range(12))
    assert together.index.tolist() == list(range(12))
    for i in (0, 5):
        alone = explainer(jets).explain([i])
        np.testing.assert_allclose(together.relevance[i], alone.relevance[0], rtol=1e-9, atol=1e-12)
        assert len(alone.relevance[0]) == int(jets.mask[i].sum())
    sums = np.array([each.sum() for each in together.relevance]) + together.whole
    np.testing.assert_allclose(sums, together.total, rtol=1e-9)


def test_each_jet_is_explained_once_whatever_was_told():
    done = []
    explainer(random_jets(12, 1, 6)).explain([7, 3], done.append)
    assert sum(done) == 2


def test_beams_are_neither_drawn_nor_removed():
    jets = random_jets(multiplicity=torch.tensor([6, 6, 6]))
    beams = BEAM.expand(3, -1, -1)
    with_beams = replace(
        jets,
        p4=torch.cat([beams, jets.p4], 1),
        scalars=torch.cat([jets.scalars[:, :2] * 0, jets.scalars], 1),
        mask=torch.ones(3, 8, dtype=torch.bool),
    )
    found = explainer(with_beams, has_beams=True).explain(range(3))
    assert [len(each) for each in found.relevance] == [6, 6, 6]
    plain = explainer(jets).explain(range(3))
    np.testing.assert_allclose(found.momenta, plain.momenta, atol=1e-9)
    assert np.abs(found.whole).min() > 0
    assert found.curves["pT"].shape == (3, 10)


def test_shares_of_columns_are_shares_although_they_cancel_within_particles():
    explained = explainer(random_jets(12, 1, 6)).explain(range(12))
    found = averages.of_columns(explained, np.full(12, True))
    sizes = sum(np.abs(values) for values in explained.columns.values())
    for name, values in explained.columns.items():
        np.testing.assert_allclose(found[name][0], np.mean(values / sizes))
    assert sum(abs(share) for share, _ in found.values()) <= 1 + 1e-9


def test_mean_pixels_are_of_the_chosen_images():
    relevance = [np.array([1.0, -3.0]), np.array([2.0, 2.0]), np.array([9.0, 0.0])]
    zeros = np.zeros(3)
    images = Explained(*[np.arange(3)] * 4, *[zeros] * 4, relevance, {}, [])
    found = averages.of_pixels(images, np.array([True, True, False]))
    np.testing.assert_allclose(found, [(1 / 4 + 2 / 4) / 2, (-3 / 4 + 2 / 4) / 2])
