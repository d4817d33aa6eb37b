"""Convolutional autoencoder of small images."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

from torch import Tensor, nn

from hepexp.batch import ImageBatch
from hepexp.errors import ConfigError
from hepexp.models.layers.dense import dense, hidden_layers
from hepexp.models.weights import load_weights

OUTPUTS = {"linear": nn.Identity, "sigmoid": nn.Sigmoid, "softplus": nn.Softplus}


class ConvAutoencoder(nn.Module):
    """z = E(x) and x = D(z), each of 3 x 3 convolutions of stride 2 and linear layers, with ReLU between all layers.

    D mirrors E: linear layers, then transposed convolutions, each of which restores the size that the matching
    convolution halved (an odd number of rows n becomes (n + 1) / 2), so images may have any size.

    Parameters
    ----------
    n_latent : d, dimensions of z.
    widths : channels of the encoder's convolutions.
    hidden : widths of the linear layers between the last convolution and z.
    output : activation of the last layer: `linear`; `sigmoid` for grey values in [0, 1]; `softplus` for energies.
    weights : what to start from: a run, models:/NAME@ALIAS, or a file with a state dict.
    image_shape : (channels, rows, columns) of the data set's images.

    Shapes
    ------
    image (B, C, H, W) -> z (B, d).

    Raises
    ------
    ConfigError : n_latent or a width below 1, no convolution, or an unknown output.
    """

    input = "image"
    lorentz_invariant = False

    def __init__(
        self,
        n_latent: int = 2,
        widths: Sequence[int] = (128, 64, 16),
        hidden: Sequence[int] = (64, 32, 32, 32),
        output: Literal["linear", "sigmoid", "softplus"] = "linear",
        weights: str | None = None,
        *,
        image_shape: tuple[int, int, int],
    ):
        super().__init__()
        if not widths or min(n_latent, *widths, *hidden) < 1:
            raise ConfigError(
                f"model needs n_latent >= 1, one or more widths > 0 and hidden > 0, got {n_latent}, {list(widths)} "
                f"and {list(hidden)}"
            )
        if output not in OUTPUTS:
            raise ConfigError(f"model.output must be one of {', '.join(OUTPUTS)}, got {output!r}")
        self.n_latent = n_latent
        channels, *size = image_shape
        sizes = [tuple(size)]
        for _ in widths:
            sizes.append(tuple((n + 1) // 2 for n in sizes[-1]))
        deep_shape = (widths[-1], *sizes[-1])
        n_deep = deep_shape[0] * deep_shape[1] * deep_shape[2]

        down: list[nn.Module] = []
        up: list[nn.Module] = []
        for (a, b), (large, small) in zip(pairwise((channels, *widths)), pairwise(sizes), strict=True):
            down += [nn.Conv2d(a, b, 3, stride=2, padding=1), nn.ReLU()]
            rows, columns = (n - (2 * half - 1) for n, half in zip(large, small, strict=True))  # that are missing
            up = [nn.ConvTranspose2d(b, a, 3, stride=2, padding=1, output_padding=(rows, columns)), nn.ReLU(), *up]
        inward = dense(n_deep, hidden, n_latent, nn.ReLU)
        outward = hidden_layers(n_latent, (*reversed(hidden), n_deep), nn.ReLU)
        self.encoder = nn.Sequential(*down, nn.Flatten(), *inward)
        self.decoder = nn.Sequential(*outward, nn.Unflatten(1, deep_shape), *up[:-1], OUTPUTS[output]())
        load_weights(self, weights)

    def encode(self, image: Tensor) -> Tensor:
        """z (B, d) of images (B, C, H, W)."""
        return self.encoder(image.to(next(self.encoder.parameters()).dtype))

    def decode(self, z: Tensor) -> Tensor:
        """Images (B, C, H, W) of latent variables (B, d)."""
        return self.decoder(z)

    def forward(self, batch: ImageBatch) -> Tensor:
        return self.encode(batch.image)
