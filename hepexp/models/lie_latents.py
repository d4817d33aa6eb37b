"""Learnt generators that act on the latent plane of an autoencoder of images, for LieGAN."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hepexp.batch import ImageBatch
from hepexp.errors import ConfigError
from hepexp.models.layers.random_turns import RandomTurns
from hepexp.models.lie_generators import LieGenerators


class LieLatents(LieGenerators[ImageBatch]):
    """Generators that act on the first two latent variables of rotated images.

    They act alike on z = E(g x) of an image x rotated by g, and on z' = E(g' g x) of the same image rotated further.

    The rotation g is random, too: if all images were upright, their latents would lie in one direction, and rotating
    the pairs would not be a symmetry. The encoder E is trained beforehand and stays frozen.

    Parameters
    ----------
    encoder : an autoencoder of images, such as hepexp.models.conv_autoencoder.ConvAutoencoder.
    n_rotations : images are rotated by multiples of 360 degrees / n_rotations; null for any angle.
    unit : unit of length in the latent plane, chosen so that components are of order one.
    n_channels : generators L_i.
    spread : standard deviation of their coefficients.
    initial : standard deviation of their entries at the start.

    Shapes
    ------
    image (B, C, H, W) -> transformed vectors (B, 2, 2) in units.

    Raises
    ------
    ConfigError : values out of range; an encoder that reads no images or has one latent variable.
    """

    input = "image"

    def __init__(
        self,
        encoder: nn.Module,
        n_rotations: int | None = 12,
        unit: float = 1.0,
        n_channels: int = 1,
        spread: float = 1.0,
        initial: float = 0.3,
    ):
        super().__init__(2, n_channels, spread, initial)
        if not unit > 0:
            raise ConfigError(f"model.unit must be > 0, got {unit}")
        if not hasattr(encoder, "decode") or encoder.input != "image":
            raise ConfigError(f"model.encoder must be an autoencoder of images, not {type(encoder).__name__}")
        self.encoder = encoder.requires_grad_(False)
        self.unit, self.turns = unit, RandomTurns(n_rotations)

    def train(self, mode: bool = True) -> LieLatents:
        super().train(mode)
        self.encoder.eval()
        return self

    def check(self, example: ImageBatch) -> None:
        n_latent = self.encoder(example).shape[1]
        if n_latent < 2:
            raise ConfigError(f"model.encoder must have two latent variables or more, got {n_latent}")

    def vectors(self, batch: ImageBatch) -> Tensor:
        with torch.no_grad():
            z = torch.stack([self.encoder(view)[:, :2] for view in self.turns(batch, n_views=2)], dim=1)
        return z.to(self.generators.dtype) / self.unit
