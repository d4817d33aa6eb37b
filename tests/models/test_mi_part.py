"""MIParT: its interaction blocks are the paper's, and their attention weights follow from the momenta alone."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from hepexp.batch import JetBatch
from hepexp.bench.padded_mi_part import PaddedMIParT
from hepexp.errors import ConfigError
from hepexp.models.layers.pair_features import triangle
from hepexp.models.mi_part import InteractionAttention, MIParticleTransformer
from tests.jets import random_jets, transform
from tests.models.layers.test_jet_coordinates import about_z

SMALL = {"n_mi_blocks": 2, "n_blocks": 1, "n_class_blocks": 1, "n_heads": 2, "pair_widths": [6, 16]}


def mi_part(n_scalars: int = 0, **options) -> MIParticleTransformer:
    """In float64 and evaluation mode, with all parameters and running statistics away from their start."""
    torch.manual_seed(1)
    options = SMALL | {"use_scalars": n_scalars > 0, "n_classes": 2} | options
    model = MIParticleTransformer(n_scalars=n_scalars, **options).double()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter += 0.1 * torch.randn_like(parameter)
        model.train()(random_jets(8, n_min=3, n_max=24, n_scalars=n_scalars, seed=2))
    return model.eval()


def attention_weights(model: MIParticleTransformer, jets: JetBatch) -> list[Tensor]:
    """Those that each interaction block gets, of jets that share a piece."""
    found = []
    hooks = [
        block.attn.register_forward_hook(lambda module, inputs, output: found.append(inputs[1]))
        for block in model.mi_blocks
    ]
    model(jets)
    for hook in hooks:
        hook.remove()
    return found


@pytest.mark.parametrize(("size", "n"), [("m", 657_014), ("l", 2_292_470)])
def test_has_as_many_parameters_as_the_authors_network(size, n):
    with torch.device("meta"):
        model = MIParticleTransformer(size, n_scalars=0, n_classes=2)
    assert sum(p.numel() for p in model.parameters()) == n


@pytest.mark.parametrize("size", ["m", "l"])
def test_logits_follow_from_the_papers_equations(size):
    model, jets = mi_part(size=size), random_jets(4)
    assert_close(model(jets), PaddedMIParT(model).eval()(jets), rtol=0, atol=1e-10)
    assert model(jets).std(0).min() > 1e-3  # the jets differ


def square(lower: Tensor, n: int) -> Tensor:
    """(C, n, n) from the pairs i >= j, (n (n + 1) / 2, C)."""
    i, j = triangle(n, lower.device)
    full = lower.new_empty(lower.shape[1], n, n)
    full[:, i, j] = full[:, j, i] = lower.T
    return full


def test_interaction_weights_do_not_depend_on_what_the_particles_are():
    model, jets = mi_part(n_scalars=8), random_jets(6)
    others = replace(jets, scalars=jets.scalars.roll(1, dims=-1))
    weights, same = attention_weights(model, jets), attention_weights(model, others)
    assert len(weights) == 2
    assert all(torch.equal(w, weights[0]) for w in [*weights, *same])
    assert not torch.allclose(model(others), model(jets), atol=1e-3)  # which do enter elsewhere
    moved = transform(jets, torch.diag(torch.tensor([2.0, 1, 1, 1])).double())  # other masses
    assert not torch.allclose(attention_weights(model, moved)[0], weights[0], atol=1e-3)


def test_interaction_weights_are_a_mean_over_real_particles():
    model, jets = mi_part(), random_jets(6)
    (weights, _), lengths = attention_weights(model, jets), jets.mask.sum(1).sort(descending=True).values
    assert weights.shape == (6, 16, lengths[0], lengths[0])
    for w, n in zip(weights, lengths, strict=True):
        assert_close(w[..., :n].sum(-1), torch.ones_like(w[..., 0]))
        assert (w[..., :n] > 0).all()
        assert (w[..., n:] == 0).all()


def test_each_head_averages_its_own_channels():
    weights = torch.tensor([[[0.25, 0.75], [1, 0]], [[0, 1], [0.5, 0.5]]])[None]
    values = torch.tensor([[1.0, 2, 10, 20], [5, 6, 30, 40]])[None]  # two channels a head
    wanted = torch.tensor([[4.0, 5, 30, 40], [1, 2, 20, 30]])[None]
    assert_close(InteractionAttention(4, 2, dropout=0.0)(values, weights), wanted)


def test_prediction_does_not_change_when_the_event_turns_about_the_beam():
    model, jets = mi_part(), random_jets(8)
    assert_close(model(transform(jets, about_z(2.0))), model(jets), rtol=0, atol=1e-6)


def test_on_a_gpu_it_is_compiled_as_a_whole():
    model, jets = mi_part(n_mi_blocks=1).float().to("meta").train(), random_jets(4).to("meta")
    torch._dynamo.reset()
    found = torch.compile(model, backend="eager", fullgraph=True)(jets)  # raises if the graph would break
    assert found.shape == (4, 2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": "xl"}, "model.size must be m or l, got xl"),
        ({"n_mi_blocks": 0}, "model.n_mi_blocks must be > 0, got 0"),
        ({"n_heads": 0}, "model.n_heads must be > 0, got 0"),
        ({"n_heads": 3}, r"model.n_heads must divide the width of a particle \(64 with model.size=m\), got 3"),
        ({"pair_widths": [64, 48]}, r"the last of model.pair_widths must divide the width of a particle .* got 48"),
        ({"pair_widths": []}, r"model.pair_widths must be one or more widths > 0, got \[\]"),
        ({"dropout": 1.0}, r"model.dropout must be in \[0, 1\), got 1.0"),
    ],
)
def test_a_value_that_cannot_be_used_is_named(options, message):
    with pytest.raises(ConfigError, match=message):
        MIParticleTransformer(**options, n_scalars=0, n_classes=2)
