"""An autoencoder whose latent plane rotates with the image."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hepexp.batch import DataSpec, ImageBatch
from hepexp.errors import ConfigError
from hepexp.evaluation.evaluators.equivariance import EquivarianceEvaluator
from hepexp.losses.mean_image import MeanImage
from hepexp.losses.objective import Objective
from hepexp.losses.weighted import weight_of, weighted_mean
from hepexp.metric import Metric
from hepexp.models.layers.rotation import angle_between, rotate_images, rotate_plane

GALLERY = 8  # images that are shown with their reconstructions


class Autoencoder(Protocol):
    """A model of images (B, C, H, W), with latent variables (B, d)."""

    def __call__(self, batch: ImageBatch) -> Tensor: ...
    def decode(self, z: Tensor) -> Tensor: ...


class EquivariantAutoencoder(Objective[Autoencoder]):
    """|x - D(E(x))|^2 + |gx - D(E(gx))|^2, means over pixels, + w times the distance of E(gx) from E(x) rotated by g.

    g rotates the image by 360 k/n degrees, with k = 0 ... n - 1 drawn for each image in training. In validation and
    test k is the image's index in the data set modulo n, so that figures are reproducible. With a the first two latent
    variables of x, rotated, and b those of gx, the term is |a - b|^2 / (|a|^2 + |b|^2), or for the angle alone 1 -
    cos(a, b). It compares the latents with each other, not with a fixed direction, so every rotation has a unique
    target.

    Parameters
    ----------
    n_rotations : n, the number of rotation angles; 12 for steps of 30 degrees.
    equivariance_weight : w; 0 for an ordinary autoencoder trained on rotated images.
    lengths : compare the lengths of the latents as well as their angles; otherwise the plane may be stretched in some
        directions.

    Raises
    ------
    ConfigError : n_rotations below 2, or a negative equivariance_weight.
    """

    metrics = (
        Metric(
            "train/reconstruction",
            "lower",
            "reconstruction",
            "Mean squared error of the reconstruction of an image.",
            range=">= 0",
            recorded=False,
        ),
        Metric(
            "train/turned_reconstruction",
            "lower",
            "reconstruction (rotated)",
            "Mean squared error of the reconstruction of a rotated image.",
            range=">= 0",
            recorded=False,
        ),
        Metric(
            "train/equivariance",
            "lower",
            "equivariance",
            "Distance of the latents of a rotated image from the rotated latents, as defined in the loss.",
            range="0 to 2",
            recorded=False,
        ),
    )
    monitor = ("val/loss", "min")
    evaluator = EquivarianceEvaluator()
    takes_weights = True

    def __init__(self, n_rotations: int = 12, equivariance_weight: float = 1.0, lengths: bool = True):
        super().__init__()
        if n_rotations < 2 or equivariance_weight < 0:
            raise ConfigError(
                f"loss needs n_rotations >= 2 and equivariance_weight >= 0, got {n_rotations} and {equivariance_weight}"
            )
        self.n_rotations = n_rotations
        self.equivariance_weight = equivariance_weight
        self.lengths = lengths

    def prepare(self, model: nn.Module, example, spec: DataSpec) -> None:
        name = type(model).__name__
        if not hasattr(model, "decode"):
            raise ConfigError(
                f"loss=equivariant_autoencoder needs an autoencoder, not {name}; choose model=conv_autoencoder"
            )
        with torch.no_grad():
            n_latent = model(example).shape[-1]
        if n_latent < 2:
            raise ConfigError(f"loss=equivariant_autoencoder needs model.n_latent >= 2, {name} has {n_latent}")
        self.upright, self.turned = MeanImage(example.image.shape[1:]), MeanImage(example.image.shape[1:])

    def outputs(self, model: Autoencoder, batch) -> dict[str, Tensor]:
        return self._judge(model, batch)[1]

    def terms(self, model: Autoencoder, batch) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        terms, outputs = self._judge(model, batch)
        return terms, {} if self.training else outputs

    def gallery(self, model: Autoencoder, batch) -> dict[str, Tensor]:
        """A few images and their rotated copies, each with its reconstruction."""
        batch = replace(batch, **{name: value[:GALLERY] for name, value in batch.tensors().items()})
        turned = self.turn(batch, self.angles(batch))
        return {
            "input": batch.image,
            "reconstruction": model.decode(model(batch)),
            "turned": turned.image,
            "turned_reconstruction": model.decode(model(turned)),
        }

    def angles(self, batch: ImageBatch) -> Tensor:
        """The rotation angle of each image (B,), radians."""
        n = self.n_rotations
        k = torch.randint(n, (len(batch),), device=batch.index.device) if self.training else batch.index % n
        return k.to(batch.image.dtype) * (2 * math.pi / n)

    @staticmethod
    def turn(batch: ImageBatch, angle: Tensor) -> ImageBatch:
        """The batch of rotated images."""
        return replace(batch, image=rotate_images(batch.image, angle))

    def _judge(self, model: Autoencoder, batch) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
        """Loss terms, and the outputs for each image."""
        angle, weight = self.angles(batch), weight_of(batch)
        turned = self.turn(batch, angle)
        z, gz = model(batch), model(turned)
        mse = (batch.image - model.decode(z)).square().mean((2, 3))
        turned_mse = (turned.image - model.decode(gz)).square().mean((2, 3))
        expected, found = rotate_plane(z[:, :2], angle), gz[:, :2]
        if self.training:
            self.upright.see(batch.image, weight)
            self.turned.see(turned.image, weight)
        reconstruction, turned_reconstruction = mse.mean(1), turned_mse.mean(1)
        equivariance = distance(expected, found) if self.lengths else 1 - F.cosine_similarity(expected, found)
        each = reconstruction + turned_reconstruction + self.equivariance_weight * equivariance  # (B,)
        terms = {
            "loss": each,
            "reconstruction": reconstruction,
            "turned_reconstruction": turned_reconstruction,
            "equivariance": equivariance,
        }
        return {name: weighted_mean(values, weight) for name, values in terms.items()}, {
            "loss": each.detach(),
            "embedding": z,
            "turned_embedding": gz,
            "turn_deg": angle.rad2deg(),
            "angle_error_deg": angle_between(expected, found).abs().rad2deg(),
            "latent_error": distance(expected, found),
            "mse": mse,
            "turned_mse": turned_mse,
            "baseline_mse": self.upright.error(batch.image),
            "turned_baseline_mse": self.turned.error(turned.image),
        }


def distance(a: Tensor, b: Tensor) -> Tensor:
    """|a - b|^2 / (|a|^2 + |b|^2) of points (B, d): 0 where they agree, 1 - cos for equal lengths, at most 2."""
    return (a - b).square().sum(1) / (a.square().sum(1) + b.square().sum(1)).clamp(min=1e-12)
