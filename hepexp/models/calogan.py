"""CaloGAN: a generator of the showers of a calorimeter with layers of cells, and its critic."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from itertools import pairwise
from math import prod

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hepexp.batch import FeatureBatch
from hepexp.errors import ConfigError
from hepexp.models.checks import require_positive
from hepexp.models.layers.latent_noise import standard_normal
from hepexp.models.layers.locally_connected import LocallyConnected2d
from hepexp.models.layers.minibatch_discrimination import MinibatchDiscrimination
from hepexp.models.layers.particle_energy import ParticleEnergy
from hepexp.models.weights import load_weights

Shape = tuple[int, int]
GEV = 1000.0  # MeV
SLOPE = 0.3  # of LeakyReLU for negative numbers
CLOSED = -10.0  # bias of the layer before at the start: a layer begins with its own image


class CaloGan(nn.Module):
    """Noise, times the energy of the particle, becomes the images of all layers, for loss=calorimeter_gan.

    Each layer has a stream of its own from the noise to an image. From the first layer on, each image is in-painted
    with that of the layer before: a weighted mean of both, with weights for each cell from what surrounds it in both.

    Parameters
    ----------
    layers : rows and columns of the cells of each layer, from the front.
    n_latent : number of random numbers.
    energy_unit : GeV, energy of the particle at which the noise has variance 1.
    weights : what to start from: a run, models:/NAME@ALIAS, or a file with a state dict.
    n_features, feature_unit : of the data set: the cells of all layers, in MeV.
    extra_names, extra_scales : of the data set; the energy of the particle is among them.
    n_classes : of the data set: one particle.

    Shapes
    ------
    extras (B, X), noise (B, n_latent) -> cells (B, n_features) in MeV, layer by layer. Without noise, it is drawn. The
    features of the batch are not read.

    Raises
    ------
    ConfigError : a size that is not positive, cells of layers that are no multiples of each other, or a data set whose
        features are anything but the cells, without the energy of the particle, or with several classes.

    References
    ----------
    M. Paganini, L. de Oliveira, B. Nachman, arXiv:1705.02355, section 4.
    """

    input = "features"
    lorentz_invariant = False

    def __init__(
        self,
        layers: Sequence[Sequence[int]] = ((3, 96), (12, 12), (12, 6)),
        n_latent: int = 1024,
        energy_unit: float = 100.0,
        weights: str | None = None,
        *,
        n_features: int,
        feature_unit: str,
        extra_names: tuple[str, ...],
        extra_scales: tuple[tuple[float, float], ...],
        n_classes: int,
    ):
        super().__init__()
        require_positive(n_latent=n_latent, energy_unit=energy_unit)
        self.shapes = _shapes(layers)
        if n_features != sum(map(prod, self.shapes)) or feature_unit != "MeV":
            raise ConfigError(
                f"model=calogan generates the {sum(map(prod, self.shapes))} cells of model.layers in MeV, but the data "
                f"set has {n_features} features in {feature_unit or 'another scale'}; set 'data.features.variables="
                "[cells]' data.features.power=1 data.features.standardise=false"
            )
        if n_classes > 1:
            raise ConfigError(
                f"model=calogan generates the showers of one particle, got {n_classes} classes; choose one, such as "
                "'data.classes=[eplus]'"
            )
        self.n_latent, self.energy_unit = n_latent, energy_unit
        self.energy = ParticleEnergy(extra_names, extra_scales)
        self.streams = nn.ModuleList(_stream(n_latent, shape) for shape in self.shapes)
        self.in_painting = nn.ModuleList(InPainting(shape) for shape in self.shapes[1:])
        load_weights(self, weights)

    def noise(self, batch: FeatureBatch, random: torch.Generator | None = None) -> Tensor:
        """Standard normal numbers (B, n_latent) on the batch's device.

        Parameters
        ----------
        random : generator of the CPU; by default they are drawn on the device.
        """
        return standard_normal((len(batch), self.n_latent), batch.features.device, self.energy.mean.dtype, random)

    def forward(self, batch: FeatureBatch, noise: Tensor | None = None) -> Tensor:
        noise = self.noise(batch) if noise is None else noise
        scaled = noise * (self.energy(batch) / self.energy_unit)[:, None]
        images = [stream(scaled) for stream in self.streams]  # in GeV, (B, 1, rows, columns) each
        for i, mix in enumerate(self.in_painting, start=1):
            images[i] = mix(images[i], resized(images[i - 1], self.shapes[i]))
        return GEV * torch.cat([image.relu().flatten(1) for image in images], dim=1)

    def energy_excess(self, batch: FeatureBatch) -> Tensor:
        """E_tot - E (B,) in GeV: what all cells of the batch have beyond the energy of the particle."""
        return batch.features.sum(1) / GEV - self.energy(batch)

    def make_critic(self) -> nn.Module:
        """A critic for the same layers."""
        return CaloCritic(self.shapes, copy.deepcopy(self.energy).train())


class CaloCritic(nn.Module):
    """The critic of CaloGAN: how true the showers of a batch look, each beside the others.

    Each layer has a stream of locally connected layers to features of its image; to these, to the occupancy and to the
    energies of the layers minibatch discrimination is applied. The total energy and its distance from that of the
    particle are inputs of the last, linear layer.

    Parameters
    ----------
    shapes : rows and columns of the cells of each layer.
    energy : of the particle.

    Shapes
    ------
    features (B, cells) in MeV, extras (B, X) -> logits (B,), which depend on the whole batch.
    """

    def __init__(self, shapes: tuple[Shape, ...], energy: ParticleEnergy):
        super().__init__()
        self.shapes, self.energy = shapes, energy
        streams, widths = zip(*map(_critic_stream, shapes), strict=True)
        self.streams = nn.ModuleList(streams)
        self.of_images = nn.ModuleList(MinibatchDiscrimination(width) for width in widths)
        self.of_occupancies = nn.ModuleList(MinibatchDiscrimination(1) for _ in shapes)
        self.of_energies = MinibatchDiscrimination(len(shapes))
        n = sum(widths) + len(shapes) * (10 + 1 + 10 + 1) + 3 + 10
        self.head = nn.Linear(n, 1)

    def forward(self, batch: FeatureBatch) -> Tensor:
        cells = batch.features.to(self.head.bias.dtype) / GEV
        images = [
            part.unflatten(1, (1, *shape))
            for part, shape in zip(cells.split([prod(shape) for shape in self.shapes], dim=1), self.shapes, strict=True)
        ]
        found = []
        for image, stream, near, near_in_occupancy in zip(
            images, self.streams, self.of_images, self.of_occupancies, strict=True
        ):
            x = stream(image)
            occupancy = (image > 0).to(x.dtype).flatten(1).mean(1, keepdim=True)  # has no gradient
            found += [x, near(x).tanh(), occupancy, near_in_occupancy(occupancy).tanh()]
        energies = torch.cat([image.flatten(1).sum(1, keepdim=True) for image in images], dim=1)
        total = energies.sum(1, keepdim=True)
        excess = (total - self.energy(batch)[:, None]).abs()
        found += [energies / 10, total / 100, excess, 10 * (excess > 5).to(excess.dtype)]  # in GeV
        found.append(self.of_energies(energies).tanh())
        return self.head(torch.cat(found, dim=1)).squeeze(1)


class InPainting(nn.Module):
    """w own + (1 - w) carried, with w from a softmax over both for each cell, by a locally connected layer.

    Parameters
    ----------
    shape : rows and columns.

    Shapes
    ------
    own, carried (B, 1, rows, columns) -> (B, 1, rows, columns).
    """

    def __init__(self, shape: Shape):
        super().__init__()
        self.weigh = LocallyConnected2d(2, 2, shape, (3, 3), padding=1)
        with torch.no_grad():
            self.weigh.get_parameter("bias")[..., 1] = CLOSED

    def forward(self, own: Tensor, carried: Tensor) -> Tensor:
        both = torch.cat([own, carried], dim=1)
        return (self.weigh(both).softmax(1) * both).sum(1, keepdim=True)


def resized(image: Tensor, shape: Shape) -> Tensor:
    """An image (B, 1, rows, columns) in another shape: cells are repeated, or averaged where there are fewer."""
    for axis, n in zip((2, 3), shape, strict=True):
        if (there := image.shape[axis]) < n:
            image = image.repeat_interleave(n // there, dim=axis)
    return F.avg_pool2d(image, (image.shape[2] // shape[0], image.shape[3] // shape[1]))


def _stream(n_latent: int, shape: Shape) -> nn.Sequential:
    """From the noise to the image of a layer, before its ReLU."""
    rows, columns = shape
    wider, wide = (rows + 2, columns + 2), (rows + 1, columns + 1)
    return nn.Sequential(
        nn.Linear(n_latent, prod(wider) * 36),
        nn.Unflatten(1, (36, *wider)),
        *_convolution(36, 16),
        nn.LeakyReLU(SLOPE),
        nn.BatchNorm2d(16),
        LocallyConnected2d(16, 6, wider, (2, 2)),
        nn.LeakyReLU(SLOPE),
        LocallyConnected2d(6, 1, wide, (2, 2), bias=False),
    )


def _critic_stream(shape: Shape) -> tuple[nn.Sequential, int]:
    """From the image of a layer to its features, and their number."""
    layers: list[nn.Module] = [*_convolution(1, 64), nn.LeakyReLU(SLOPE)]
    n, size = 64, shape
    for n_out, kernel, stride in ((16, (3, 3), (1, 2)), (8, (2, 2), (1, 1)), (8, (2, 2), (1, 2))):
        local = LocallyConnected2d(n, n_out, size, kernel, stride, padding=1)
        layers += [local, nn.LeakyReLU(SLOPE), nn.BatchNorm2d(n_out)]
        n, size = n_out, local.out_size
    return nn.Sequential(*layers, nn.Flatten()), n * prod(size)


def _convolution(n_in: int, n_out: int) -> tuple[nn.Module, ...]:
    """2 x 2 pixels to one, in images of the same size: the last row and column have zeros behind them."""
    convolution = nn.Conv2d(n_in, n_out, 2)
    nn.init.kaiming_uniform_(convolution.weight)
    nn.init.zeros_(convolution.get_parameter("bias"))
    return nn.ZeroPad2d((0, 1, 0, 1)), convolution


def _shapes(layers: Sequence[Sequence[int]]) -> tuple[Shape, ...]:
    if not layers or any(len(shape) != 2 or min(shape) < 1 for shape in layers):
        raise ConfigError(f"model.layers must be rows and columns > 0 of each layer, such as [[12,6]], got {layers}")
    shapes = tuple((rows, columns) for rows, columns in layers)
    for before, shape in pairwise(shapes):
        if any(a % b and b % a for a, b in zip(before, shape, strict=True)):
            raise ConfigError(
                f"model.layers: {before[0]} x {before[1]} cells cannot be divided or joined to {shape[0]} x {shape[1]}"
            )
    return shapes
