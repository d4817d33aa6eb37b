"""ResNet-15: residual networks of fifteen convolutions, for calorimeter images."""

from __future__ import annotations

from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

from hepexp.batch import ImageBatch
from hepexp.errors import ConfigError
from hepexp.models.weights import load_weights


class Residual(nn.Module):
    """relu(layers(x) + shortcut(x)) (arXiv:1512.03385, equations 1 and 2)."""

    def __init__(self, layers: nn.Module, shortcut: nn.Module) -> None:
        super().__init__()
        self.layers = layers
        self.shortcut = shortcut

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.layers(x) + self.shortcut(x))


def basic(n_in: int, n_out: int) -> Residual:
    """Two 3 x 3 convolutions; one that changes the width halves the image."""
    stride = 1 if n_in == n_out else 2
    layers = nn.Sequential(
        nn.Conv2d(n_in, n_out, 3, stride, padding=1), nn.ReLU(), nn.Conv2d(n_out, n_out, 3, padding=1)
    )
    return Residual(layers, nn.Identity() if n_in == n_out else nn.Conv2d(n_in, n_out, 1, stride))


def bottleneck(n_in: int, n_out: int) -> Residual:
    """1 x 1, 3 x 3 and 1 x 1 convolutions, with half the width in between and batch normalisation; halves the image."""
    n = n_out // 2
    layers = nn.Sequential(
        *(nn.Conv2d(n_in, n, 1), nn.BatchNorm2d(n), nn.ReLU()),
        *(nn.Conv2d(n, n, 3, stride=2, padding=1), nn.BatchNorm2d(n), nn.ReLU()),
        *(nn.Conv2d(n, n_out, 1), nn.BatchNorm2d(n_out)),
    )
    return Residual(layers, nn.Sequential(nn.Conv2d(n_in, n_out, 1, stride=2), nn.BatchNorm2d(n_out)))


def published_layers(channels: int) -> list[nn.Module]:
    """7 x 7, max pool, three blocks of 16, one from 16 to 32, three of 32: 15 convolutions; then a global max pool."""
    stem = [nn.Conv2d(channels, 16, 7, padding=3), nn.ReLU(), nn.MaxPool2d(2, ceil_mode=True)]
    blocks = [basic(16, 16) for _ in range(3)] + [basic(16, 32)] + [basic(32, 32) for _ in range(3)]
    return [*stem, *blocks, nn.AdaptiveMaxPool2d(1)]


def cms_1_layers(channels: int) -> list[nn.Module]:
    """3 x 3 to three channels, 7 x 7, max pool, and four bottlenecks; all remaining pixels are classified."""
    stem = [nn.Conv2d(channels, 3, 3, padding=1), nn.Conv2d(3, 64, 7, stride=2, padding=3), nn.BatchNorm2d(64)]
    pool = nn.MaxPool2d(3, stride=2, padding=1)
    return [*stem, nn.ReLU(), pool, *(bottleneck(*widths) for widths in ((64, 64), (64, 128), (128, 256), (256, 512)))]


class ResNet15(nn.Module):
    """ResNet-15, as published or as in CMS I.

    Parameters
    ----------
    variant : "published" is the network of the end-to-end papers: blocks of two convolutions without normalisation,
        then a global max pool and a linear classifier (85,490 parameters with 2 channels and 2 classes). "cms_1" is
        that of CMS I: four bottlenecks with batch normalisation (1,265,531 with 2 channels of 304 x 304).
    upsample : rows and columns to which images are first enlarged by bilinear interpolation; null for none.
        CMS I has 304.
    weights : what to start from: a run, models:/NAME@ALIAS, or a file with a state dict.
    image_shape : (channels, rows, columns) of the data set's images.
    n_classes : number of outputs: classes of the data set, or what a loss of regression needs.

    Shapes
    ------
    image (B, C, H, W) -> logits (B, n_classes).

    Raises
    ------
    ConfigError : an unknown variant, an upsampled size below 1, or images too small for variant=cms_1.

    References
    ----------
    Andrews et al., arXiv:1807.11916 and arXiv:1902.08276; He et al., arXiv:1512.03385.
    """

    input = "image"
    head = "classifier"
    lorentz_invariant = False

    def __init__(
        self,
        variant: Literal["published", "cms_1"] = "published",
        upsample: int | None = None,
        weights: str | None = None,
        *,
        image_shape: tuple[int, int, int],
        n_classes: int,
    ):
        super().__init__()
        if variant not in ("published", "cms_1"):
            raise ConfigError(f"model.variant must be published or cms_1, got {variant}")
        if upsample is not None and upsample < 1:
            raise ConfigError(f"model.upsample must be > 0, got {upsample}")
        channels, rows, columns = image_shape
        self.size = (rows, columns) if upsample is None else (upsample, upsample)
        if variant == "published":
            layers, n_features = published_layers(channels), 32
        else:
            left = [-(-side // 64) for side in self.size]  # halved six times, rounding up
            if left == [1, 1]:  # in a batch of one image, batch normalisation would have a single value to normalise
                raise ConfigError(
                    f"model.variant=cms_1 needs images of more than 64 rows or columns, got {self.size[0]} x "
                    f"{self.size[1]}; set model.upsample (304 in CMS I)"
                )
            layers, n_features = cms_1_layers(channels), 512 * left[0] * left[1]
        self.features = nn.Sequential(*layers, nn.Flatten())
        self.classifier = nn.Linear(n_features, n_classes)
        load_weights(self, weights)

    def forward(self, batch: ImageBatch) -> Tensor:
        image = batch.image.to(self.classifier.weight.dtype)
        if image.shape[2:] != self.size:
            image = F.interpolate(image, size=self.size, mode="bilinear")
        return self.classifier(self.features(image))
