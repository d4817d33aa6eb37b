"""The steerable network's counterpart with ordinary convolutions."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from hepexp.batch import ImageBatch
from hepexp.models.layers.symmetric_image import BlurPool, DiskMask, GlobalMax
from hepexp.models.steerable_cnn import check_stages
from hepexp.models.weights import load_weights


class PlainCNN(nn.Module):
    """SteerableCNN with ordinary convolutions and batch normalisation, and a channel in place of each field.

    It has no built-in rotational symmetry and serves as the control in experiments on it. It has 1,254,385 parameters
    with the single logit of ML4SCI 2023; each further logit adds 129.

    Parameters
    ----------
    widths : channels of each stage.
    convs : number of convolutions in each stage.
    sigma : standard deviation of the Gaussian blur after each stage, in pixels.
    weights : what to start from: a run, models:/NAME@ALIAS, or a file with a state dict.
    image_shape : (channels, rows, columns) of the data set's images.
    n_classes : number of outputs: classes of the data set, or what a loss of regression needs.

    Shapes
    ------
    image (B, C, H, W) -> logits (B, n_classes).

    Raises
    ------
    ConfigError : a width or a number of convolutions below 1, lists of different lengths, or sigma out of range.
    """

    input = "image"
    head = "classifier"
    compares_rotations = True
    lorentz_invariant = False

    def __init__(
        self,
        widths: Sequence[int] = (16, 32, 64, 128, 128),
        convs: Sequence[int] = (2, 2, 4, 4, 4),
        sigma: float = 0.66,
        weights: str | None = None,
        *,
        image_shape: tuple[int, int, int],
        n_classes: int,
    ):
        super().__init__()
        check_stages(widths, convs, sigma)
        layers: list[nn.Module] = [DiskMask()]
        channels = image_shape[0]
        for width, n in zip(widths, convs, strict=True):
            for _ in range(n):
                layers += [nn.Conv2d(channels, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
                channels = width
            layers.append(BlurPool(sigma))
        self.features = nn.Sequential(*layers, GlobalMax())
        self.classifier = nn.Linear(channels, n_classes)
        load_weights(self, weights)

    def forward(self, batch: ImageBatch) -> Tensor:
        return self.classifier(self.features(batch.image.to(self.classifier.weight.dtype)))
