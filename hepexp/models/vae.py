"""Variational autoencoder of images."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

from torch import Tensor, nn

from hepexp.batch import ImageBatch
from hepexp.errors import ConfigError
from hepexp.models.weights import load_weights

OUTPUTS = {"softplus": nn.Softplus, "tanh": nn.Tanh, "linear": nn.Identity}


class VAE(nn.Module):
    """q(z | x) = N(mean(x), exp(logvar(x))) and the mean of p(x | z), both convolutional.

    Encoder: 3 x 3 convolutions of stride 2, batch normalisation and LeakyReLU(0.2), then two linear layers. Decoder: a
    linear layer, then the same in reverse. Images whose size is not a multiple of 2^(number of convolutions) are padded
    with zeros on the right and below, and cropped afterwards.

    Parameters
    ----------
    n_latent : d, dimensions of z.
    widths : channels of the encoder's convolutions.
    output : activation of the last layer: `softplus`, as energies are not negative; `tanh`, as in ML4SCI 2025;
        `linear`.
    weights : what to start from: a run, models:/NAME@ALIAS, or a file with a state dict.
    image_shape : (channels, rows, columns) of the data set's images.

    Shapes
    ------
    image (B, C, H, W) -> mean of the latent variables (B, d).

    Raises
    ------
    ConfigError : n_latent or a width below 1, or an unknown output.

    References
    ----------
    D. P. Kingma, M. Welling, arXiv:1312.6114.
    """

    input = "image"
    lorentz_invariant = False

    def __init__(
        self,
        n_latent: int = 2048,
        widths: Sequence[int] = (32, 64, 128, 256),
        output: Literal["softplus", "tanh", "linear"] = "softplus",
        weights: str | None = None,
        *,
        image_shape: tuple[int, int, int],
    ):
        super().__init__()
        if n_latent < 1 or not widths or min(widths) < 1:
            raise ConfigError(f"model needs n_latent >= 1 and widths > 0, got {n_latent} and {list(widths)}")
        if output not in OUTPUTS:
            raise ConfigError(f"model.output must be one of {', '.join(OUTPUTS)}, got {output!r}")
        channels, *size = image_shape
        self.size = tuple(size)
        self.multiple = 2 ** len(widths)
        self.deep_shape = (widths[-1], *(-(-n // self.multiple) for n in size))
        n_deep = self.deep_shape[0] * self.deep_shape[1] * self.deep_shape[2]
        down = [
            nn.Sequential(nn.Conv2d(a, b, 3, stride=2, padding=1), nn.BatchNorm2d(b), nn.LeakyReLU(0.2))
            for a, b in pairwise((channels, *widths))
        ]
        up = [
            nn.Sequential(
                nn.ConvTranspose2d(a, b, 3, stride=2, padding=1, output_padding=1), nn.BatchNorm2d(b), nn.LeakyReLU(0.2)
            )
            for a, b in pairwise(reversed(widths))
        ]
        last = nn.ConvTranspose2d(widths[0], channels, 3, stride=2, padding=1, output_padding=1)
        if output == "softplus":
            # images are nearly empty: so is the first reconstruction
            nn.init.constant_(last.get_parameter("bias"), -4.0)
        self.encoder = nn.Sequential(*down, nn.Flatten())
        self.mean = nn.Linear(n_deep, n_latent)
        self.logvar = nn.Linear(n_deep, n_latent)
        self.expand = nn.Linear(n_latent, n_deep)
        self.decoder = nn.Sequential(*up, last, OUTPUTS[output]())
        load_weights(self, weights)

    def encode(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and ln variance (B, d) of q(z | x) for images (B, C, H, W)."""
        rows, columns = self.size
        padding = (0, -columns % self.multiple, 0, -rows % self.multiple)
        deep = self.encoder(nn.functional.pad(image.to(self.mean.weight.dtype), padding))
        return self.mean(deep), self.logvar(deep)

    def decode(self, z: Tensor) -> Tensor:
        """Mean of p(x | z), (B, C, H, W), for latent variables (B, d)."""
        rows, columns = self.size
        return self.decoder(self.expand(z).unflatten(1, self.deep_shape))[..., :rows, :columns]

    def forward(self, batch: ImageBatch) -> Tensor:
        return self.encode(batch.image)[0]
