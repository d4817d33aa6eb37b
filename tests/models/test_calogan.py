"""CaloGAN: published sizes layer by layer, in-painting, energies in GeV, and losses against their definitions."""

import math
from dataclasses import replace
from math import prod

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from hepexp.batch import FeatureBatch
from hepexp.errors import ConfigError
from hepexp.losses.calorimeter_gan import CalorimeterGan
from hepexp.models.calogan import CLOSED, CaloGan, InPainting, resized
from tests.devices import on_one_device
from tests.examples import SPEC

PUBLISHED = ((3, 96), (12, 12), (12, 6))
SMALL = ((2, 8), (4, 4), (4, 2))
MEAN, STD = 50.0, 25.0
DATA = {"feature_unit": "MeV", "extra_names": ("energy",), "extra_scales": ((MEAN, STD),), "n_classes": 1}


def generator(layers=SMALL, **keys) -> CaloGan:
    torch.manual_seed(1)
    n_features = sum(map(prod, layers))
    return CaloGan(**{"layers": layers, "n_latent": 8, **DATA, "n_features": n_features, **keys})


def showers(n: int, layers=SMALL, dtype=torch.float64) -> FeatureBatch:
    g = torch.Generator().manual_seed(0)
    shape = (n, sum(map(prod, layers)))
    cells = 1000 * torch.rand(shape, generator=g, dtype=dtype) * (torch.rand(shape, generator=g) < 0.5)
    energy = (1 + 99 * torch.rand(n, 1, generator=g, dtype=dtype) - MEAN) / STD
    zeros = torch.zeros(n, dtype=torch.long)
    return FeatureBatch(label=zeros, index=torch.arange(n), extras=energy, features=cells)


def size(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def test_the_generator_has_the_parameters_of_the_published_layers():
    """Of r x c cells: dense from 1024, convolution 36 x 4 x 16, batch norm, 2 x 2 kernels of each place, 3 x 3 of each
    cell to in-paint."""
    streams = [
        1025 * (r + 2) * (c + 2) * 36 + 36 * 4 * 16 + 16 + 2 * 16 + (r + 1) * (c + 1) * (16 * 4 * 6 + 6) + r * c * 24
        for r, c in PUBLISHED
    ]
    in_painting = [r * c * (2 * 9 * 2 + 2) for r, c in PUBLISHED[1:]]
    model = generator(PUBLISHED, n_latent=1024)
    assert size(model) == sum(streams) + sum(in_painting)
    assert round(size(model) / 1e6, 2) == 29.73


def test_the_critic_has_the_parameters_of_the_published_layers():
    total, n_features = 0, 0
    for r, c in PUBLISHED:
        total += 4 * 64 + 64
        first = r, (c - 1) // 2 + 1  # 3 x 3 with stride (1, 2), a zero on each side
        second = r + 1, first[1] + 1
        third = r + 2, second[1] // 2 + 1
        for (rows, columns), n_in, n_out in ((first, 64 * 9, 16), (second, 16 * 4, 8), (third, 8 * 4, 8)):
            total += rows * columns * (n_in + 1) * n_out + 2 * n_out
        width = prod(third) * 8
        total += 100 * width + 100  # minibatch discrimination of the features, and of the occupancy
        n_features += width + 10 + 1 + 10
    total += 3 * 100  # of the energies
    total += n_features + 3 + 1 + 1 + 1 + 10 + 1
    critic = generator(PUBLISHED, n_latent=1).make_critic()
    assert size(critic) == total
    assert round(size(critic) / 1e6, 2) == 2.74


def test_a_layer_begins_with_its_own_image():
    own, carried = torch.rand(2, 3, 1, 4, 6, dtype=torch.float64)
    mix = InPainting((4, 6)).double()
    with torch.no_grad():
        mix.weigh.weight.zero_()
    weight = math.exp(CLOSED) / (1 + math.exp(CLOSED))
    assert_close(mix(own, carried), (1 - weight) * own + weight * carried, rtol=1e-12, atol=1e-12)
    with torch.no_grad():
        mix.weigh.bias[..., 1] = 100.0
    assert_close(mix(own, carried), carried, rtol=1e-12, atol=1e-12)


def test_the_layer_before_is_carried_by_repeating_and_averaging():
    image = torch.arange(3 * 96, dtype=torch.float64).reshape(1, 1, 3, 96)
    found = resized(image, (12, 12))
    assert_close(found[0, 0, :, 0], image[0, 0, :, :8].mean(1).repeat_interleave(4))
    assert_close(resized(found, (12, 6))[0, 0, :, 1], found[0, 0, :, 2:4].mean(1))
    assert found.mean() == image.mean()


def test_the_noise_is_times_the_energy_over_100_gev():
    model, batch = generator().double().eval(), showers(4)
    noise = torch.randn(4, 8, dtype=torch.float64)
    energy = batch.extras[:, 0] * STD + MEAN
    at_100 = replace(batch, extras=torch.full_like(batch.extras, (100 - MEAN) / STD))
    assert_close(model(batch, noise), model(at_100, noise * energy[:, None] / 100), rtol=1e-9, atol=1e-9)


def test_cells_are_in_mev_and_never_negative():
    model, batch = generator().double().eval(), showers(50)
    cells = model(batch, torch.randn(50, 8, dtype=torch.float64))
    assert cells.shape == batch.features.shape
    assert cells.min() == 0
    assert cells.max() > 0
    full = replace(batch, features=torch.full_like(batch.features, 1000.0))  # a GeV in each cell
    energy = batch.extras[:, 0] * STD + MEAN
    assert_close(model.energy_excess(full), batch.features.shape[1] - energy)


def test_a_shower_does_not_depend_on_others_in_evaluation():
    model, batch = generator().double(), showers(6)
    noise = torch.randn(6, 8, dtype=torch.float64)
    model.train()(batch, noise)  # running statistics away from their start
    together = model.eval()(batch, noise)
    alone = replace(batch, features=batch.features[2:3], extras=batch.extras[2:3])
    assert_close(model(alone, noise[2:3]), together[2:3], rtol=1e-10, atol=1e-10)


def test_gradients_reach_every_parameter_of_both_players():
    model, batch = generator().double(), showers(16)
    critic = model.make_critic().double()
    made = replace(batch, features=model(batch))
    (critic(made).square().sum() + critic(batch).square().sum()).backward()
    for player in (model, critic):
        assert [name for name, p in player.named_parameters() if p.grad is None or not p.grad.abs().max() > 0] == []
        assert all(p.grad.isfinite().all() for p in player.parameters())


def test_the_critic_sees_the_energy_of_the_particle_and_whether_showers_are_all_the_same():
    critic, batch = generator().make_critic().double().eval(), showers(8)
    answer = critic(batch)
    other = critic(replace(batch, extras=batch.extras + 1))
    assert (other - answer).abs().max() > 1e-6
    same = replace(batch, features=batch.features[:1].expand(8, -1), extras=batch.extras[:1].expand(8, -1))
    alone = replace(batch, features=batch.features[:1], extras=batch.extras[:1])
    assert (critic(same)[0] - critic(alone)[0]).abs() > 1e-6


def test_neither_player_waits_for_the_device():
    model, critic = generator(), generator().make_critic()
    model, critic, batch = model.to("meta"), critic.to("meta"), showers(4, dtype=torch.float32).to("meta")
    with on_one_device():
        made = replace(batch, features=model(batch))
        critic(made).sum().backward()


class Constant(nn.Module):
    """A generator of showers with all energy missing, whose critic answers with the first cell."""

    def __init__(self, excess: float) -> None:
        super().__init__()
        self.excess = excess

    def noise(self, batch, random=None):
        return ()

    def forward(self, batch, noise=()):
        return torch.full_like(batch.features, -1.0)

    def energy_excess(self, batch):
        return torch.full_like(batch.features[:, 0], self.excess)


def test_losses_are_their_definitions():
    batch = showers(4)
    batch.features = torch.full_like(batch.features, 2.0)
    loss = CalorimeterGan(energy_weight=0.1).eval()
    loss.critic = lambda batch: batch.features[:, 0]
    true, false = (1 / (1 + math.exp(-x)) for x in (2.0, -1.0))
    critic = loss.critic_terms(Constant(-3.0), batch)
    assert critic["loss"].item() == pytest.approx(-math.log(true) - math.log(1 - false))
    assert critic["accuracy"].item() == 1.0
    terms, outputs = loss.generator_terms(Constant(-3.0), batch)
    assert terms["energy_error"].item() == pytest.approx(3.0)
    assert terms["loss"].item() == pytest.approx(-math.log(false) + 0.1 * 3.0)
    assert outputs["loss"].tolist() == pytest.approx([terms["loss"].item()] * 4)


REFUSED = [
    ({"layers": ((3, 96), (12, 12, 1))}, "model.layers must be rows and columns > 0 of each layer"),
    ({"layers": ((3, 4), (2, 4))}, "model.layers: 3 x 4 cells cannot be divided or joined to 2 x 4"),
    ({"n_latent": 0}, "model.n_latent must be > 0, got 0"),
    ({"n_features": 7}, r"generates the 40 cells of model.layers in MeV, but the data set has 7 features in MeV"),
    ({"feature_unit": ""}, r"has 40 features in another scale; set 'data.features.variables=\[cells\]'"),
    ({"extra_names": (), "extra_scales": ()}, r"needs the energy of the particle: set 'data.extras=\[energy\]', got"),
    ({"n_classes": 2}, r"generates the showers of one particle, got 2 classes; choose one"),
]


@pytest.mark.parametrize(("keys", "message"), REFUSED)
def test_what_it_cannot_be_built_for_is_refused(keys, message):
    with pytest.raises(ConfigError, match=message):
        generator(**keys)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"generator_steps": 0}, "loss.generator_steps must be from 1 to 100, got 0"),
        ({"energy_weight": -1.0}, "loss.energy_weight must be >= 0, got -1.0"),
        ({"critic_lr": 0}, "loss.critic_lr must be > 0, got 0"),
    ],
)
def test_keys_of_the_loss_out_of_range_are_refused(keys, message):
    with pytest.raises(ConfigError, match=message):
        CalorimeterGan(**keys)


def test_a_generator_without_energies_is_refused():
    class Bare(nn.Module):
        noise = make_critic = lambda self, *args: nn.Identity()

        def forward(self, batch):
            return batch.features

    with pytest.raises(ConfigError, match=r"needs the energies of showers, which Bare does not give; choose model="):
        CalorimeterGan().prepare(Bare(), showers(1), SPEC)
