"""The GAN of HADML and its twin by flow matching: sizes, conditions, and independence of other examples."""

from dataclasses import replace

import pytest
import torch
from torch.testing import assert_close

from hepexp.batch import FeatureBatch
from hepexp.errors import ConfigError
from hepexp.models.feature_fm import FeatureFlowMatching
from hepexp.models.hadron_gan import HadronGan
from tests.devices import on_one_device

DATA = {"n_features": 3, "n_classes": 2, "n_extras": 4}


def gan(**keys) -> HadronGan:
    torch.manual_seed(1)
    return HadronGan(**{**DATA, **keys}).double()


def flow(**keys) -> FeatureFlowMatching:
    torch.manual_seed(1)
    return FeatureFlowMatching(**{"width": 16, **DATA, **keys}).double()


def directions(n: int) -> FeatureBatch:
    g = torch.Generator().manual_seed(0)
    features, extras = (torch.randn(n, k, generator=g, dtype=torch.float64) for k in (3, 4))
    return FeatureBatch(label=torch.arange(n) % 2, index=torch.arange(n), extras=extras, features=features)


def made(model, batch: FeatureBatch) -> torch.Tensor:
    """What a model makes of noise or times that depend on the example."""
    at = torch.sin(1.0 + batch.index.double())
    if isinstance(model, HadronGan):
        return model(batch, at[:, None] * torch.arange(model.n_latent).double())
    return model(batch, at.abs())


def test_the_players_have_the_parameters_of_their_layers():
    """With the published sizes: 10 + 4 -> 256 -> 256 -> 2, and a critic 2 + 4 -> 256 -> 256 -> 1."""
    model = gan(n_features=2, n_classes=1)
    assert sum(p.numel() for p in model.parameters()) == 15 * 256 + 257 * 256 + 257 * 2
    assert sum(p.numel() for p in model.make_critic().parameters()) == 7 * 256 + 257 * 256 + 257


def test_the_flow_has_the_parameters_of_its_layers():
    """Embedding, two layers of the context, blocks of a norm and three matrices, a norm and the head."""
    c, w = 12 + 2 + 4, 16
    expected = (3 + c + 1) * w + (c + 1) * w + (w + 1) * w + 2 * (2 * w + 3 * w * w + 2 * w) + 2 * w + (w + 1) * 3
    assert sum(p.numel() for p in flow().parameters()) == expected


def test_what_a_gan_makes_lies_between_its_ends_and_follows_its_noise():
    model, batch = gan(), directions(50)
    noise = model.noise(batch, torch.Generator().manual_seed(2))
    assert noise.shape == (50, 10)
    assert_close(model(batch, noise), model(batch, model.noise(batch, torch.Generator().manual_seed(2))))
    assert model(batch, 100 * noise).abs().max() <= 1
    changed = replace(batch, features=batch.features + 1)
    assert torch.equal(model(changed, noise), model(batch, noise))  # it never sees what it is to make


def test_a_velocity_has_any_sign_and_size():
    model, batch = flow(), directions(20)
    with torch.no_grad():
        model.network.head.bias += 100
    assert model(batch).min() > 90


@pytest.mark.parametrize("build", [gan, flow, lambda: gan().make_critic().double()], ids=["gan", "flow", "critic"])
def test_each_example_depends_on_its_conditions_alone(build):
    model, batch = build(), directions(6)
    evaluate = made if not type(model).__name__.endswith("Critic") else lambda m, b: m(b)
    output = evaluate(model, batch)
    for k in range(6):
        one = FeatureBatch(*(getattr(batch, name)[k : k + 1] for name in ("label", "index", "extras", "features")))
        assert_close(evaluate(model, one), output[k : k + 1], rtol=0, atol=1e-12)
    assert (evaluate(model, replace(batch, extras=batch.extras + 1)) - output).abs().min() > 0
    assert (evaluate(model, replace(batch, label=1 - batch.label)) - output).abs().min() > 0


@pytest.mark.parametrize("build", [gan, flow], ids=["gan", "flow"])
def test_gradients_reach_every_parameter_and_no_step_waits_for_the_device(build):
    model = build()
    made(model, directions(5)).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().max() > 0 for p in model.parameters())
    on_meta, batch = build().to("meta"), directions(5).to("meta")
    with on_one_device():
        on_meta(batch).sum().backward()


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: gan(widths=[]), "model.widths must be one or more widths > 0"),
        (lambda: gan(critic_widths=[0]), "model.critic_widths must be one or more widths > 0"),
        (lambda: gan(n_latent=0), "model.n_latent must be > 0, got 0"),
        (lambda: flow(width=0), "model.width must be > 0, got 0"),
        (lambda: flow(n_blocks=0), "model.n_blocks must be > 0, got 0"),
    ],
)
def test_sizes_that_are_not_positive_are_refused(build, message):
    with pytest.raises(ConfigError, match=message):
        build()
