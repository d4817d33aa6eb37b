"""Stored images made dense again, scaled and resized."""

from __future__ import annotations

import copy
import math
from dataclasses import replace
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F

from hepexp.batch import ImageBatch
from hepexp.data.representations.representation import Common, Representation
from hepexp.data.representations.scale import spread_or_one
from hepexp.data.store.images import to_dense
from hepexp.data.store.ragged import Ragged
from hepexp.data.transforms.rotation import reflected, rotated, upright
from hepexp.errors import ConfigError

DEVIATIONS = "standard deviations"
# the unit of a pixel value
SCALES = {"none": "as stored", "std": DEVIATIONS, "standard": DEVIATIONS, "minmax": "of the image's range"}


class PixelImage(Representation[ImageBatch]):
    """Dense images of a data set whose elements are pixels.

    Parameters
    ----------
    scale : `none` for no scaling; `std` to divide each channel by its standard deviation over the training images, so
        that empty pixels stay zero; `standard` to scale each channel to mean 0 and variance 1 over the training images;
        `minmax` to scale each channel of each image to [0, 1].
    clip_negative : set negative values to zero after scaling.
    power : raise the absolute value of each pixel to this power before scaling, keeping its sign; 0.5 enhances weak
        pixels relative to the hottest ones.
    pad_to : number of rows and columns to pad the image to with zeros, equally on all sides; null for no padding.
    resize_to : number of rows and columns to resize the image to, by antialiased bilinear interpolation; null to keep
        the size.
    angle : angle in degrees by which every image, after cropping, is rotated about its centre. Non-zero pixels are
        moved without interpolation, so rotations by multiples of 90 degrees are exact. To test a trained model on
        rotated images: hepexp evaluate RUN data.image.angle=45.
    rotate : then rotate each image about its centre until its principal axis, weighted by |value|, is vertical, with
        the half that weighs more in the higher rows: a network behind it is invariant under rotations of square images
        by multiples of 90 degrees, under others as far as places can be rounded to pixels. Pixels are moved as by
        `angle`.
    flip : then reflect each image so that the half that weighs more is in the higher rows and in the higher columns; a
        network behind it is invariant under reflections.

    Raises
    ------
    ConfigError : the scale is unknown, the power is not positive, a size is below 1, both sizes are given, or the angle
        is not finite.
    """

    name = "image"
    scales = ("_shift", "_factor")
    shape: tuple[int, int, int]  # of the stored images
    _shift: np.ndarray
    _factor: np.ndarray

    def __init__(
        self,
        scale: Literal["none", "std", "standard", "minmax"] = "std",
        clip_negative: bool = False,
        pad_to: int | None = None,
        resize_to: int | None = None,
        angle: float = 0.0,
        power: float = 1.0,
        rotate: bool = False,
        flip: bool = False,
    ) -> None:
        if scale not in SCALES:
            raise ConfigError(f"dataset.image.scale must be one of {', '.join(SCALES)}, got {scale!r}")
        if not 0 < power < math.inf:
            raise ConfigError(f"dataset.image.power must be > 0, got {power}")
        if pad_to is not None and resize_to is not None:
            raise ConfigError("dataset.image: give pad_to or resize_to, not both")
        for key, value in {"pad_to": pad_to, "resize_to": resize_to}.items():
            if value is not None and value < 1:
                raise ConfigError(f"dataset.image.{key} must be >= 1, got {value}")
        if not np.isfinite(angle):
            raise ConfigError(f"dataset.image.angle must be a number of degrees, got {angle}")
        self.scale = scale
        self.pixel_unit = SCALES[scale]
        self.clip_negative = clip_negative
        self.pad_to = pad_to
        self.resize_to = resize_to
        self.angle = angle
        self.power = power
        self.rotate, self.flip = rotate, flip

    def of_shape(self, shape: tuple[int, int, int], channel_names: tuple[str, ...] = ()) -> PixelImage:
        """A copy for images of this shape (channels, rows, columns), and with channels of these names."""
        if self.pad_to is not None and self.pad_to < max(shape[1:]):
            raise ConfigError(f"dataset.image.pad_to must be >= {max(shape[1:])}, got {self.pad_to}")
        made = copy.copy(self)
        made.shape, made.channel_names = shape, channel_names
        return made

    @property
    def image_shape(self) -> tuple[int, int, int]:
        side = self.pad_to or self.resize_to
        return self.shape if side is None else (self.shape[0], side, side)

    @property
    def empty_pixel(self) -> torch.Tensor | float:
        if self.scale != "standard":
            return 0.0
        empty = -torch.from_numpy(self._shift * self._factor)
        return empty.clamp(min=0) if self.clip_negative else empty

    def fit(self, examples: Ragged) -> None:
        channels, rows, columns = self.shape
        channel, n = examples["position"] // (rows * columns), len(examples) * rows * columns
        value = self._powered(examples["value"].astype(np.float64))
        mean = np.bincount(channel, value, minlength=channels) / n
        # contributions of the non-zero pixels, then of all others
        lit = np.bincount(channel, (value - mean[channel]) ** 2, minlength=channels)
        dark = (n - np.bincount(channel, minlength=channels)) * mean**2
        std = spread_or_one(mean, np.sqrt((lit + dark) / n))
        self._shift = np.where(self.scale == "standard", mean, 0).astype(np.float32)[:, None, None]
        self._factor = np.where(self.scale in ("std", "standard"), 1 / std, 1).astype(np.float32)[:, None, None]

    def encode(self, examples: Ragged) -> Ragged:
        if self.angle:
            examples = rotated(examples, self.shape, self.angle)
        if self.rotate:
            examples = upright(examples, self.shape)
        return reflected(examples, self.shape) if self.flip else examples

    def collate(self, examples: Ragged, common: Common) -> ImageBatch:
        return ImageBatch(**common, image=self.fitted(torch.from_numpy(self._dense(examples))))

    @property
    def shift(self) -> np.ndarray:
        """What is subtracted from each channel, (C, 1, 1), before it is multiplied by `factor`."""
        return self._shift

    @property
    def factor(self) -> np.ndarray:
        """By what each channel is multiplied, (C, 1, 1)."""
        return self._factor

    def fitted(self, image: torch.Tensor) -> torch.Tensor:
        """Scaled images (n, C, H, W), without negative values if these are clipped, in the size asked for."""
        if self.clip_negative:
            image = image.clamp(min=0)
        if self.pad_to is not None:
            (top, left), (bottom, right) = zip(*(_margins(size, self.pad_to) for size in self.shape[1:]), strict=True)
            image = F.pad(image, (left, right, top, bottom))
        if self.resize_to is not None:
            # Without antialiasing a smaller image would skip pixels, and a few of them hold most of the energy.
            image = F.interpolate(image, size=(self.resize_to,) * 2, mode="bilinear", antialias=True)
        return image

    def _dense(self, examples: Ragged) -> np.ndarray:
        """Scaled images (n, channels, rows, columns), computed on the few non-zero pixels where possible."""
        value = self._powered(examples["value"])
        if self.scale in ("std", "standard"):
            channel = examples["position"] // (self.shape[1] * self.shape[2])
            value = value * self._factor.ravel()[channel]
        examples = replace(examples, elements={**examples.elements, "value": value})
        image = to_dense(examples, self.shape)
        if self.scale == "standard":
            image -= self._shift * self._factor
        elif self.scale == "minmax":
            low, high = (reduce(image, axis=(2, 3), keepdims=True) for reduce in (np.min, np.max))
            image -= low
            image /= np.where(high > low, high - low, 1)
        return image

    def _powered(self, value: np.ndarray) -> np.ndarray:
        return value if self.power == 1 else np.sign(value) * abs(value) ** self.power


def _margins(size: int, padded: int) -> tuple[int, int]:
    before = (padded - size) // 2
    return before, padded - size - before
