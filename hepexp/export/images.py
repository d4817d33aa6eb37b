"""The inputs of networks of images: pixels as they are stored, scaled in the network, or particles, binned there."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hepexp.batch import ImageBatch
from hepexp.data.physics.kinematics import SOFTEST
from hepexp.data.representations.jet_image import JetImage
from hepexp.data.representations.pixel_image import PixelImage
from hepexp.data.store.images import to_dense
from hepexp.data.store.ragged import Ragged
from hepexp.errors import ConfigError
from hepexp.export.extras import Extra
from hepexp.export.particles import MASK, P4, pad_p4, selections, split
from hepexp.export.tensors import BATCH, Inputs, TensorSpec
from hepexp.models.layers.jet_coordinates import jet_coordinates


class PixelInputs(Inputs):
    """Stored images to the batch that a network takes; see `PixelImage`.

    Parameters
    ----------
    representation : of the data set, with its scales.
    extra : additional inputs of each example.

    Raises
    ------
    ConfigError : the images of the run are rotated or reflected.
    """

    shift: Tensor
    factor: Tensor

    def __init__(self, representation: PixelImage, extra: Extra) -> None:
        super().__init__()
        for key in ("angle", "rotate", "flip"):
            if getattr(representation, key):
                raise ConfigError(f"this run cannot be exported: dataset.image.{key} moves pixels one by one")
        self.source, self.extra = representation, extra
        names = ", ".join(representation.channel_names)
        what = f"pixels of {names}, after cropping" if names else "pixels, after cropping"
        assert representation.shape is not None, "the data set is set up"
        self.shape = representation.shape
        self.tensors = (TensorSpec("image", "float32", (BATCH, *self.shape), "", what), *extra.tensors)
        self.register_buffer("shift", torch.as_tensor(np.array(representation.shift, np.float32)))
        self.register_buffer("factor", torch.as_tensor(np.array(representation.factor, np.float32)))

    def forward(self, image: Tensor, *others: Tensor) -> ImageBatch:
        own, found = self.source, image
        if own.power != 1:
            found = found.sign() * found.abs() ** own.power
        if own.scale in ("std", "standard"):
            found = (found - self.shift) * self.factor
        elif own.scale == "minmax":
            low, high = found.amin((2, 3), keepdim=True), found.amax((2, 3), keepdim=True)
            found = (found - low) / torch.where(high > low, high - low, 1)
        return ImageBatch(**self.extra(image, *others), image=own.fitted(found))

    def feed(self, examples: Ragged) -> dict[str, NDArray]:
        """The inputs of examples of the store."""
        extras = self.extra.feed(examples)
        for transform in self.source.transforms:
            examples = transform(examples)
        return {"image": np.ascontiguousarray(to_dense(examples, self.shape), np.float32), **extras}


class JetImageInputs(Inputs):
    """Particles to the batch that a network of images takes; see `JetImage`.

    Parameters
    ----------
    representation : of the data set.
    extra : additional inputs of each example.
    """

    def __init__(self, representation: JetImage, extra: Extra) -> None:
        super().__init__()
        self.before, self.source, after = split(representation.transforms)
        self.form, self.extra = representation, extra
        self.after = nn.ModuleList(selections(after))
        self.tensors = (P4, MASK, *extra.tensors)

    def forward(self, p4: Tensor, mask: Tensor, *others: Tensor) -> ImageBatch:
        for step in self.after:
            p4, _, mask = step(p4, p4[..., :1], mask)
        jet, n = jet_coordinates(p4, mask), self.form.n_pixels
        pt = torch.where(mask, jet.pt.clamp(min=SOFTEST), 0)
        weight = pt / pt.sum(1, keepdim=True)
        place = self._oriented(torch.stack([jet.dy, jet.dphi], dim=-1), weight)
        pixel = ((place / self.form.width + 0.5) * n).floor()
        inside = mask & ((pixel >= 0) & (pixel < n)).all(-1)
        row, column = pixel.clamp(0, n - 1).long().unbind(-1)
        values = {"pt": weight if self.form.normalise else pt, "multiplicity": torch.ones_like(pt)}
        channels = [
            torch.zeros_like(pt[:, :1]).expand(-1, n * n).scatter_add(1, row * n + column, values[name] * inside)
            for name in self.form.channels
        ]
        image = torch.stack(channels, dim=1).unflatten(-1, (n, n)).float()
        return ImageBatch(**self.extra(mask, *others), image=image)

    def _oriented(self, place: Tensor, weight: Tensor) -> Tensor:
        """Positions (B, N, 2) after the steps of `JetImage` that are on; weight (B, N) is zero for padding."""
        if self.form.centre:
            hardest = (-weight).sort(dim=1, stable=True).indices[:, :1, None]
            place = place - place.gather(1, hardest.expand(-1, -1, 2))
        if self.form.rotate:
            y, phi = place.unbind(-1)
            yy, pp, yp = ((weight * product).sum(1, keepdim=True) for product in (y * y, phi * phi, y * phi))
            angle = 0.5 * torch.atan2(2 * yp, yy - pp)
            cos, sin = angle.cos(), angle.sin()
            place = torch.stack([cos * y + sin * phi, cos * phi - sin * y], dim=-1)
            place = place * _heavier(place, weight)[..., :1]
        return place * _heavier(place, weight) if self.form.flip else place

    def feed(self, examples: Ragged) -> dict[str, NDArray]:
        """The inputs of examples of the store."""
        extras = self.extra.feed(examples)
        for transform in (*self.before, self.source):
            examples = transform(examples)
        return {**pad_p4(examples), **extras}


def _heavier(place: Tensor, weight: Tensor) -> Tensor:
    """For each coordinate, the sign (B, 1, 2) of the half of a jet that has more weight."""
    return torch.where((weight[..., None] * place.sign()).sum(1, keepdim=True) < 0, -1.0, 1.0)
