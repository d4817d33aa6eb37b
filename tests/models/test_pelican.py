"""PELICAN against its equations, and against the published numbers of parameters."""

import pytest
import torch
from torch.testing import assert_close

from hepexp.bench.stacked_pelican import StackedPELICAN
from hepexp.errors import ConfigError
from hepexp.models.pelican import PELICAN, Embedding
from tests.jets import pad, random_jets


@pytest.mark.parametrize(("size", "published"), [("m", 208_498), ("s", 48_327), ("xs", 11_262)])
def test_has_the_published_sizes(size, published):
    """208k, 48k and 11k with two scalars, which tell particles from beams, and two classes."""
    model = PELICAN(size, n_scalars=2, n_classes=2)
    assert sum(p.numel() for p in model.parameters()) == published


@pytest.mark.parametrize("breaking", ["none", "both"])
@pytest.mark.parametrize("training", [True, False])
def test_is_the_network_of_its_equations(breaking, training):
    torch.manual_seed(0)
    model = PELICAN("xs", 2, 0.0, breaking, use_scalars=True, n_scalars=8, n_classes=2).double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.1 * torch.randn_like(parameter)
    jets = pad(random_jets(5, n_max=9), 2)
    model.train()(random_jets(5, seed=1))
    model.train(training)
    got, wanted = [], []
    for network, found in ((model, got), (StackedPELICAN(model).train(training), wanted)):
        logits = network(jets)
        found += [logits, *torch.autograd.grad(logits.square().sum(), list(model.parameters()))]
    for ours, theirs in zip(got, wanted, strict=True):
        assert_close(ours, theirs, rtol=1e-9, atol=1e-9)


def test_the_embedding_goes_from_linear_to_logarithmic():
    embedding = Embedding(2).double()
    d = torch.tensor([0.0, 0.1, 30.0, -30.0], dtype=torch.float64)
    with torch.no_grad():
        embedding.root[:] = torch.tensor([1.0, 0.0])
    linear, logarithmic = embedding(d).T
    assert_close(linear, d, rtol=1e-5, atol=0)
    assert_close(logarithmic, d.sign() * d.abs().log1p(), rtol=1e-5, atol=0)


def test_an_unknown_size_is_refused():
    with pytest.raises(ConfigError, match=r"model.size must be m, s or xs, got l"):
        PELICAN("l", n_scalars=2, n_classes=2)
