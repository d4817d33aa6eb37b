"""Convolutional network that is invariant under rotations and reflections of the image (E(2)-steerable CNN)."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor, nn

from hepexp.batch import ImageBatch
from hepexp.errors import ConfigError
from hepexp.models.layers import irrep_blocks
from hepexp.models.layers.irrep_blocks import IrrepBlocks
from hepexp.models.layers.steerable import GroupPool, SteerableBlock
from hepexp.models.layers.steerable_basis import GROUPS, order, steerable_basis
from hepexp.models.layers.symmetric_image import BlurPool, DiskMask, GlobalMax
from hepexp.models.weights import load_weights

CONTINUOUS = tuple(irrep_blocks.GROUPS)
HIGHEST_FREQUENCY = 8
FIELDS = {"full": (16, 32, 64, 128, 128), "lite": (8, 16, 32, 64, 64)}  # regular fields of each stage


class SteerableCNN(nn.Module):
    """Stages of 3 x 3 steerable convolutions of regular fields, each with batch normalisation of fields and ReLU.

    The corners are masked first; each stage is followed by a blur that halves the image; then come maxima over all
    pixels and over the channels of each field, and a linear layer. Of 128 pixels, as in ML4SCI 2023, 4 x 4 remain, so
    the 4 x 4 max pool used there is the same maximum.

    The logits are invariant, to all digits, under the group's rotations by 90 degrees and its reflections, for images
    of any size: no layer prefers a side. The padding of 125 pixels to 128 of ML4SCI 2023 does: one row above, two
    below. Here its tasks pad to 127, after which the sizes are the same: 64, 32, 16, 8, 4. Rotations by 45 degrees
    (C8, D8) are a symmetry of the kernels, but not of the pixels: rotating blobs 3 pixels wide by 45 degrees changes
    the mean response of two convolutions by 0.3 (C8) and 0.5 percent (D8), against 2 percent with C4 and D4.

    SO2 and O2 have all rotations, and O2 reflections: there a field has components of frequencies up to max_frequency,
    and the last convolution gives scalars. How far the logits change under a rotation that moves pixels between pixels
    is recorded as symmetry/rotation_error.

    The numbers of parameters are those of ML4SCI 2023: 3,339,361 for C4, 6,675,553 for C8 and D4, 13,347,937 for D8;
    with size=lite 835,633, 1,669,681 and 3,337,777, all with one logit. Each further logit adds one weight per field
    and a bias: 129 for size=full, 65 for size=lite. escnn's bases have as many kernels as those of e2cnn, which was
    used there.

    Parameters
    ----------
    group : rotations by 360 / n degrees (Cn), or these together with reflections (Dn); all rotations (SO2), or these
        together with reflections (O2).
    size : `full`, with 16, 32, 64, 128 and 128 fields in the five stages, or `lite`, with half as many.
    widths : fields of each stage, in place of those set by `size`; null to use `size`.
    convs : number of convolutions in each stage.
    sigma : standard deviation of the Gaussian blur, in pixels.
    max_frequency : of SO2 and O2, highest frequency of the fields; null for 2, the highest of a 3 x 3 kernel.
    nonlinearity : of SO2 and O2, `fourier`, an ELU of the functions on the group that fields are the Fourier
        coefficients of, or `norm`, which shortens each component; null for fourier.
    weights : what to start from: a run, models:/NAME@ALIAS, or a file with a state dict.
    image_shape : (channels, rows, columns) of the data set's images.
    n_classes : number of outputs: classes of the data set, or what a loss of regression needs.

    Shapes
    ------
    image (B, C, H, H) -> logits (B, n_classes).

    Raises
    ------
    ConfigError : an unknown group, size or non-linearity, a frequency out of range, a width or a number of convolutions
        below 1, lists of different lengths, sigma out of range, images that are not square, or escnn is not installed,
        which SO2 and O2 do not need.

    References
    ----------
    Weiler and Cesa, arXiv:1911.08251; Cesa, Lang and Weiler, ICLR 2022 (escnn).
    """

    input = "image"
    head = "classifier"
    compares_rotations = True
    lorentz_invariant = False
    invariant_under_right_angles = True
    invariant_under_reflections: bool

    def __init__(
        self,
        group: Literal["C4", "C8", "D4", "D8", "SO2", "O2"] = "C4",
        size: Literal["full", "lite"] = "lite",
        widths: Sequence[int] | None = None,
        convs: Sequence[int] = (2, 2, 4, 4, 4),
        sigma: float = 0.66,
        max_frequency: int | None = None,
        nonlinearity: Literal["fourier", "norm"] | None = None,
        weights: str | None = None,
        *,
        image_shape: tuple[int, int, int],
        n_classes: int,
    ):
        super().__init__()
        groups = (*GROUPS, *CONTINUOUS)
        if group not in groups:
            raise ConfigError(f"model.group must be one of {', '.join(groups)}, got {group!r}")
        _check_fields(group, max_frequency, nonlinearity)
        if size not in FIELDS:
            raise ConfigError(f"model.size must be one of {', '.join(FIELDS)}, got {size!r}")
        if image_shape[1] != image_shape[2]:
            rows, columns = image_shape[1:]
            raise ConfigError(f"steerable_cnn needs square images, got {rows} x {columns}; set dataset.image.pad_to")
        widths = FIELDS[size] if widths is None else widths
        check_stages(widths, convs, sigma)
        irreps = IrrepBlocks(group, max_frequency or 2, nonlinearity or "fourier") if group in CONTINUOUS else None
        layers: list[nn.Module] = [DiskMask()]
        fields, left = image_shape[0], sum(convs)
        for width, n in zip(widths, convs, strict=True):
            for _ in range(n):
                left -= 1
                if irreps is None:
                    layers.append(SteerableBlock(steerable_basis(group, lifts=len(layers) == 1), fields, width))
                else:
                    layers.append(irreps.next(fields, width, left))
                fields = width
            layers.append(BlurPool(sigma))
        pools = [GlobalMax()] if irreps else [GlobalMax(), GroupPool(order(group))]
        self.features = nn.Sequential(*layers, *pools)
        self.classifier = nn.Linear(fields, n_classes)
        self.invariant_under_reflections = group in ("D4", "D8", "O2")
        self._plain: tuple[list, nn.Module] | None = None  # in a tuple, so that it is not a part of the state
        load_weights(self, weights)

    def forward(self, batch: ImageBatch) -> Tensor:
        image = batch.image.to(self.classifier.weight.dtype)
        if self.training or torch.is_grad_enabled() or torch.compiler.is_compiling():
            return self.classifier(self.features(image))
        return self._evaluated()(image)

    def export(self) -> nn.Sequential:
        """A network of ordinary convolutions with the logits of this one in evaluation mode for images (B, C, H, H).

        It does not need escnn; its parameters are the expanded kernels, |G| times as many or more, with the
        normalisations folded in.
        """
        layers = [
            layer.export() if isinstance(layer, SteerableBlock) else copy.deepcopy(layer) for layer in self.features
        ]
        return nn.Sequential(*layers, copy.deepcopy(self.classifier)).eval().requires_grad_(False)

    def train(self, mode: bool = True) -> SteerableCNN:
        super().train(mode)
        self._plain = None
        if not mode:
            self._evaluated()  # here, so that the first batch does not wait for it
        return self

    def _evaluated(self) -> nn.Module:
        """The export, made again when any weight has changed since."""
        tensors = [*self.parameters(), *self.buffers()]
        state = [(x.data_ptr(), x._version, x.dtype, x.device) for x in tensors]
        if self._plain is None or self._plain[0] != state:
            self._plain = state, self.export()
        return self._plain[1]


def _check_fields(group: str, max_frequency: int | None, nonlinearity: str | None) -> None:
    """Raise ConfigError for fields that a group cannot have."""
    for name, value in {"max_frequency": max_frequency, "nonlinearity": nonlinearity}.items():
        if value is not None and group not in CONTINUOUS:
            raise ConfigError(f"model.{name} is of the groups {' and '.join(CONTINUOUS)}, leave it out for {group}")
    if max_frequency is not None and not 1 <= max_frequency <= HIGHEST_FREQUENCY:
        raise ConfigError(f"model.max_frequency must be from 1 to {HIGHEST_FREQUENCY}, got {max_frequency}")
    if nonlinearity not in (None, "fourier", "norm"):
        raise ConfigError(f"model.nonlinearity must be fourier or norm, got {nonlinearity!r}")


def check_stages(widths: Sequence[int], convs: Sequence[int], sigma: float) -> None:
    """Raise ConfigError for stages that cannot be built."""
    for name, values in {"widths": widths, "convs": convs}.items():
        if not values or min(values) < 1:
            raise ConfigError(f"model.{name} must be one or more numbers > 0, got {list(values)}")
    if len(widths) != len(convs):
        raise ConfigError(f"model.convs must have one number for each of the {len(widths)} stages, got {list(convs)}")
    if not 0.1 <= sigma <= 100:  # a narrower blur has no pixel to weigh, a wider one is flat
        raise ConfigError(f"model.sigma must be from 0.1 to 100 pixels, got {sigma}")
