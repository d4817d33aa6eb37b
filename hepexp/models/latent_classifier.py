"""Classifier of images by their latent variables: the oracle of a search for symmetries there."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from hepexp.batch import ImageBatch
from hepexp.errors import ConfigError
from hepexp.models.checks import require_positive, require_widths
from hepexp.models.layers.dense import dense
from hepexp.models.layers.random_turns import RandomTurns
from hepexp.models.weights import load_weights


class LatentClassifier(nn.Module):
    """Logits C(z) of the latent variables z = E(g x) of an image x that is rotated by a random g.

    C is dense with SiLU, smooth, so that it has gradients with respect to z. The encoder E is trained beforehand and
    stays frozen.

    Parameters
    ----------
    encoder : an autoencoder of images, such as hepexp.models.conv_autoencoder.ConvAutoencoder.
    n_rotations : images are rotated by multiples of 360 degrees / n_rotations; null for any angle.
    unit : unit of length in the latent space, chosen so that components are of order one.
    widths : of the hidden layers of C.
    weights : what to start from: a run, models:/NAME@ALIAS, or a file with a state dict; it holds those of the
        encoder, too.
    n_classes : number of outputs: classes of the data set, or what a loss of regression needs.

    Shapes
    ------
    image (B, channels, H, W) -> logits (B, n_classes).

    Raises
    ------
    ConfigError : values out of range, or an encoder that is no autoencoder of images.
    """

    input = "image"
    head = "layers"
    lorentz_invariant = False

    def __init__(
        self,
        encoder: nn.Module,
        n_rotations: int | None = 12,
        unit: float = 1.0,
        widths: Sequence[int] = (64, 64),
        weights: str | None = None,
        *,
        n_classes: int,
    ):
        super().__init__()
        require_positive(unit=unit)
        require_widths(widths=widths)
        n_latent = getattr(encoder, "n_latent", None)
        if n_latent is None or encoder.input != "image":
            raise ConfigError(f"model.encoder must be an autoencoder of images, not {type(encoder).__name__}")
        self.encoder = encoder.requires_grad_(False)
        self.unit, self.turns, self.n_latent = unit, RandomTurns(n_rotations), n_latent
        self.layers = dense(n_latent, widths, n_classes, nn.SiLU)
        load_weights(self, weights)

    def train(self, mode: bool = True) -> LatentClassifier:
        super().train(mode)
        self.encoder.eval()
        return self

    def latents(self, batch: ImageBatch) -> Tensor:
        """z (B, n_latent) of the rotated images, in units."""
        with torch.no_grad():
            (turned,) = self.turns(batch)
            return self.encoder(turned).to(next(self.layers.parameters()).dtype) / self.unit

    def of_latents(self, z: Tensor) -> Tensor:
        """Logits (B, n_classes) of latent variables z (B, n_latent) in units."""
        return self.layers(z)

    def forward(self, batch: ImageBatch) -> Tensor:
        return self.of_latents(self.latents(batch))
