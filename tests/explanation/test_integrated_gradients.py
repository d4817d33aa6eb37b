"""Integrated gradients add up to the difference of the output from that of the baseline (completeness)."""

import pytest
import torch
from torch.testing import assert_close

from hepexp.explanation.integrated_gradients import integrated_gradients
from hepexp.models.lorentz_net import LorentzNet
from tests.explanation.networks import Dense, features, frozen
from tests.jets import random_jets

pytest.importorskip("captum")


def test_of_a_smooth_network_on_features():
    torch.manual_seed(0)
    model, batch = frozen(Dense(5, 16, 2, bias=True)), features(8, 5)
    model.layers[1] = torch.nn.SiLU()
    which = torch.ones(8, dtype=torch.int64)
    found = integrated_gradients(model, batch, which)
    zero = features(8, 5)
    zero.features.zero_()
    assert_close(found.of_reads[0].sum(1), (model(batch) - model(zero))[:, 1], rtol=1e-7, atol=1e-9)


def test_of_a_network_that_reads_scalars_and_pairs():
    torch.manual_seed(0)
    model = frozen(LorentzNet(8, 2, n_scalars=8, n_classes=2))
    jets = random_jets(multiplicity=torch.tensor([5, 5]))
    found = integrated_gradients(model, jets, torch.tensor([0, 1]), steps=48)
    assert_close(sum(x.sum() for x in found.of_reads), found.reference.sum(), rtol=1e-2, atol=1e-4)
