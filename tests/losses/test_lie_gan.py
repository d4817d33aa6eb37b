"""LieGAN's terms against their closed forms, and what it must not find."""

import math

import pytest
import torch
from torch.testing import assert_close

from hepexp.batch import DataSpec, FeatureBatch
from hepexp.errors import ConfigError
from hepexp.losses.lie_gan import LieGan
from hepexp.models.lie_generators import LieMomenta, LiePoints
from hepexp.models.pfn import PFN
from tests import jets

SPEC = DataSpec(("inner", "outer"), n_features=4)
G = torch.Generator().manual_seed(0)


def points(n: int = 64) -> FeatureBatch:
    """Two points an example, in float64."""
    return FeatureBatch(
        label=torch.arange(n) % 2,
        index=torch.arange(n),
        extras=torch.zeros(n, 0),
        features=torch.randn(n, 4, generator=G, dtype=torch.float64),
    )


def ready(model: LiePoints | None = None, **keys) -> tuple[LieGan, LiePoints]:
    torch.manual_seed(0)
    model = (model or LiePoints(n_channels=3, n_features=4)).double()
    objective = LieGan(**keys)
    objective.prepare(model, points(1), SPEC)
    return objective.double().eval(), model.eval()


def test_a_critic_that_gives_nought_guesses():
    objective, model = ready()
    for parameter in objective.critic.parameters():
        torch.nn.init.zeros_(parameter)
    terms, _ = objective.terms(model, points())
    assert_close(terms["deceived"].item(), math.log(2))
    assert_close(terms["critic_loss"].item(), 2 * math.log(2))
    assert terms["critic_accuracy"] == 0.5


def test_without_transformation_a_critic_cannot_be_right_more_than_half_the_time():
    objective, model = ready()
    torch.nn.init.zeros_(model.generators)
    terms, outputs = objective.terms(model, points())
    assert terms["critic_accuracy"] == 0.5
    assert_close(outputs["transformed"], outputs["vectors"])
    assert terms["displacement"] == terms["overlap"] == 0
    assert_close(outputs["loss"], torch.nn.functional.softplus(-outputs["logit"]))  # ln D(x) of each example alone


def test_the_displacement_of_a_dilation_is_its_factor_less_one_and_is_clipped():
    model = LiePoints(n_features=4, spread=1.0)
    with torch.no_grad():
        model.generators.copy_(torch.eye(2)[None])
    objective, model = ready(model, displacement_clip=0.5)
    batch = points()
    terms, _ = objective.terms(model, batch)
    factor = model.draw(batch)[:, 0].exp()
    assert_close(terms["displacement"], (factor - 1).abs().clamp(max=0.5).mean())


def test_the_loss_is_the_sum_of_its_terms():
    objective, model = ready(displacement_weight=0.3, channel_weight=0.7)
    terms, _ = objective.terms(model, points())
    expected = terms["deceived"] - 0.3 * terms["displacement"] + 0.7 * terms["overlap"]
    assert_close(terms["loss"], expected)


def test_the_overlap_is_the_mean_cosine_of_the_pairs():
    objective, model = ready()
    rotation = torch.tensor([[0.0, -1.0], [1.0, 0.0]])
    with torch.no_grad():  # cosines 1 / sqrt 2, 1 / sqrt 2 and 0, whatever the lengths
        model.generators.copy_(torch.stack([rotation, 5 * (rotation + torch.eye(2)), -0.1 * torch.eye(2)]))
    assert_close(objective.terms(model, points())[0]["overlap"].item(), 2 / 3 * 2**-0.5)


def test_the_critic_sees_the_label_and_gives_the_generators_no_gradient():
    objective, model = ready()
    batch = points()
    objective.critic_terms(model, batch)["loss"].backward()
    assert model.generators.grad is None
    assert all(parameter.grad.abs().max() > 0 for parameter in objective.critic.parameters())
    vectors = model.vectors(batch)
    assert not torch.equal(objective._logit(vectors, batch.label), objective._logit(vectors, 1 - batch.label))


def test_predictions_do_not_look_at_the_label():
    objective, model = ready()
    batch = points()
    batch.label = torch.full_like(batch.label, -1)
    assert set(objective.outputs(model, batch)) == {"vectors", "transformed"}


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"displacement_weight": -1.0}, "loss.displacement_weight must be >= 0"),
        ({"channel_weight": -1.0}, "loss.channel_weight must be >= 0"),
        ({"displacement_clip": 0.0}, "loss.displacement_clip must be > 0"),
        ({"critic_widths": []}, "loss.critic_widths must be one or more widths > 0"),
        ({"critic_widths": [8, 0]}, "loss.critic_widths must be one or more widths > 0"),
        ({"critic_lr": 0.0}, "loss.critic_lr must be > 0"),
        ({"compare_with": "so4"}, "loss.compare_with must be null or one of so2, so3, so13, boosts_z, got 'so4'"),
        ({"test_displacement": 0.0}, "loss.test_displacement must be null, or > 0 and <= 1, got 0"),
        ({"test_displacement": 1.5}, "loss.test_displacement must be null, or > 0 and <= 1, got 1.5"),
    ],
)
def test_values_out_of_range(keys: dict, message: str):
    with pytest.raises(ConfigError, match=message):
        LieGan(**keys)


def test_models_that_do_not_fit():
    with pytest.raises(ConfigError, match="PFN has none; choose model=lie_points or model=lie_momenta"):
        LieGan().prepare(PFN(n_scalars=8, n_classes=2), jets.random_jets(1), SPEC)
    with pytest.raises(ConfigError, match=r"so\(1,3\), which acts on 4 dimensions; LiePoints has vectors of 2"):
        ready(compare_with="so13")
    with pytest.raises(ConfigError, match=r"model.n_leading must be <= 3, the particles of a typical example, got 5"):
        LieGan().prepare(LieMomenta(n_leading=5), jets.random_jets(1, n_min=3, n_max=3), SPEC)
