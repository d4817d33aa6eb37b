"""The Laplace approximation of a classifier's last layer: one pass of the body, and weights of any scale."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from torch.testing import assert_close

from hepexp.batch import DataSpec
from hepexp.learning.laplace import SAMPLES, add_laplace
from hepexp.losses.cross_entropy import CrossEntropy
from hepexp.losses.sampled import SampledCrossEntropy
from hepexp.models.layers.gaussian_head import GaussianHead
from hepexp.models.pfn import PFN
from tests.jets import random_jets

JETS = random_jets(n_jets=24)


def with_posterior(weight=None):
    """A network in float64 with the posterior from 24 jets in two batches, its loss, and the prior's precision."""
    torch.manual_seed(1)
    model = PFN(phi_sizes=(8,), f_sizes=(6,), n_scalars=8, n_classes=2).double()
    objective = CrossEntropy()
    objective.prepare(model, JETS, DataSpec(("qcd", "top")))
    module = SimpleNamespace(model=model, objective=objective)
    batches = [random_jets(n_jets=12, seed=seed) for seed in (1, 2)]
    if weight is not None:
        batches = [replace(jets, weight=weight[12 * k : 12 * (k + 1)]) for k, jets in enumerate(batches)]
    data = SimpleNamespace(typical_example=lambda: JETS, loader_of=lambda split: batches)
    precision = add_laplace(SimpleNamespace(module=module, data=data, trainer=SimpleNamespace(progress=False)))
    return model, module.objective, precision


def root(model):
    return next(layer for layer in model.modules() if isinstance(layer, GaussianHead)).root


def test_the_body_is_evaluated_once_and_the_passes_are_those_of_the_whole_network():
    model, objective, _ = with_posterior()
    calls = []
    model.phi[0].register_forward_hook(lambda *_: calls.append(1))
    found = objective.passes(model, JETS)
    assert len(calls) == 1
    whole = SampledCrossEntropy.passes(objective, model, JETS)
    assert len(calls) == 1 + SAMPLES
    assert_close(found, whole, rtol=0, atol=1e-13)
    assert (found.std(0) > 0).all()


@pytest.mark.parametrize("scale", [1e-4, 1.0, 250.0])
def test_the_scale_of_the_weights_does_not_matter(scale):
    weight = torch.linspace(0.5, 1.5, 24, dtype=torch.float64)
    (one, _, before), (other, _, after) = with_posterior(weight), with_posterior(scale * weight)
    assert after == pytest.approx(before, rel=1e-9)
    assert_close(root(other), root(one), rtol=1e-8, atol=1e-12)


def test_equal_weights_are_none():
    (one, _, before), (other, _, after) = with_posterior(), with_posterior(torch.full((24,), 7.0))
    assert after == pytest.approx(before, rel=1e-9)
    assert_close(root(other), root(one), rtol=1e-8, atol=1e-12)
