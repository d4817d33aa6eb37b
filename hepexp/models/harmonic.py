"""Harmonic network: complex features that turn with the image, by convolutions with circular harmonics."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from hepexp.batch import ImageBatch
from hepexp.errors import ConfigError
from hepexp.models.layers.harmonic import HarmonicConv, MagnitudeNorm, magnitude
from hepexp.models.layers.symmetric_image import BlurPool, DiskMask, GlobalMax
from hepexp.models.steerable_cnn import check_stages
from hepexp.models.weights import load_weights

MOST_ORDERS = 4


class HarmonicNet(nn.Module):
    """Stages of harmonic convolutions between rotation orders 0 ... M, each with a batch norm and ReLU of magnitudes.

    A rotation of the image by an angle a multiplies a feature of order m by e^{ima}. The last convolution gives order 0
    alone, of which the magnitudes are taken, then their maxima over all pixels, and a linear layer. As in the steerable
    networks the corners are masked first, and between stages a blur halves the image.

    The logits are invariant under rotations by 90 degrees to all digits, for square images of any size; how far they
    change under others is recorded as symmetry/rotation_error. Reflections are no symmetry.

    Parameters
    ----------
    widths : complex channels of each order in each stage.
    convs : number of convolutions in each stage.
    max_order : highest rotation order M of the features; 1 for the two streams of the paper.
    kernel : rows and columns of the filters, 3, 5 or 7.
    sigma : standard deviation of the Gaussian blur between stages, in pixels.
    weights : what to start from: a run, models:/NAME@ALIAS, or a file with a state dict.
    image_shape : (channels, rows, columns) of the data set's images.
    n_classes : number of outputs: classes of the data set, or what a loss of regression needs.

    Shapes
    ------
    image (B, C, H, H) -> logits (B, n_classes).

    Raises
    ------
    ConfigError : a width or a number of convolutions below 1, lists of different lengths, an order, a kernel or sigma
        out of range, or images that are not square.

    References
    ----------
    Worrall, Garbin, Turmukhambetov and Brostow, arXiv:1612.04642.
    """

    input = "image"
    head = "classifier"
    compares_rotations = True
    lorentz_invariant = False
    invariant_under_right_angles = True

    def __init__(
        self,
        widths: Sequence[int] = (8, 16, 32, 64, 64),
        convs: Sequence[int] = (1, 1, 2, 2, 2),
        max_order: int = 1,
        kernel: int = 5,
        sigma: float = 0.66,
        weights: str | None = None,
        *,
        image_shape: tuple[int, int, int],
        n_classes: int,
    ):
        super().__init__()
        check_stages(widths, convs, sigma)
        if not 1 <= max_order <= MOST_ORDERS:
            raise ConfigError(f"model.max_order must be from 1 to {MOST_ORDERS}, got {max_order}")
        if kernel not in (3, 5, 7):
            raise ConfigError(f"model.kernel must be 3, 5 or 7, got {kernel}")
        if max_order > 2 * (kernel // 2):
            raise ConfigError(
                f"model.max_order must be <= {2 * (kernel // 2)} for model.kernel={kernel}, got {max_order}"
            )
        if image_shape[1] != image_shape[2]:
            rows, columns = image_shape[1:]
            raise ConfigError(f"harmonic needs square images, got {rows} x {columns}; set dataset.image.pad_to")
        layers: list[nn.Module] = [DiskMask()]
        channels, orders, left = image_shape[0], None, sum(convs)
        for width, n in zip(widths, convs, strict=True):
            for _ in range(n):
                left -= 1
                given = max_order + 1 if left else 1
                layers += [HarmonicConv(channels, width, orders, given, kernel), MagnitudeNorm(given * width)]
                channels, orders = width, given
            if left:
                layers.append(BlurPool(sigma))
        self.features = nn.Sequential(*layers)
        self.pool = GlobalMax()
        self.classifier = nn.Linear(channels, n_classes)
        load_weights(self, weights)

    def forward(self, batch: ImageBatch) -> Tensor:
        z = self.features(batch.image.to(self.classifier.weight.dtype))
        return self.classifier(self.pool(magnitude(z)))
