"""Jet images: particles binned in the pixels of an idealised calorimeter around the jet."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from hepexp.batch import ImageBatch
from hepexp.data.physics.kinematics import around_axis, sums
from hepexp.data.representations.representation import Common, Representation
from hepexp.data.store.ragged import Ragged
from hepexp.data.transforms.orientation import heavier, principal_angle
from hepexp.errors import ConfigError

CHANNELS = ("pt", "multiplicity")


class JetImage(Representation[ImageBatch]):
    """Particles binned in rapidity (rows) and azimuth (columns) around the jet axis.

    Parameters
    ----------
    n_pixels : number of rows and of columns.
    width : width of the image in rapidity and in azimuth (radians); 0.8 covers a jet of R = 0.4, 1.6 one of R = 0.8.
    channels : one or both of `pt` and `multiplicity`.
    centre : centre the image on the hardest particle; if false, on the jet axis.
    rotate : rotate the jet until its principal axis, weighted by pT, lies along rapidity, with the half that has more
        pT in the higher rows. With `centre` the image does not change if the jet is rotated about its centre; without,
        it changes slightly, as the jet axis is that of the summed four-momenta.
    flip : reflect the jet so that the half with more pT is in the higher rows and in the higher columns; the image does
        not change if the jet is reflected.
    normalise : divide each particle's pT by the sum over the jet.

    Raises
    ------
    ConfigError : a value is out of range, or a channel is unknown.

    References
    ----------
    J. Cogan, M. Kagan, E. Strauss, A. Schwartzman, arXiv:1407.5675; P. Komiske, E. Metodiev, M. Schwartz,
    arXiv:1612.01551, section 3.
    """

    name = "image"

    def __init__(
        self,
        n_pixels: int = 33,
        width: float = 0.8,
        channels: Sequence[str] = ("pt",),
        centre: bool = False,
        rotate: bool = False,
        flip: bool = False,
        normalise: bool = True,
    ) -> None:
        if n_pixels < 1 or width <= 0:
            raise ConfigError(f"dataset.image needs n_pixels >= 1 and width > 0, got {n_pixels} and {width}")
        if not channels or set(channels) - set(CHANNELS):
            raise ConfigError(
                f"dataset.image.channels must be one or both of {', '.join(CHANNELS)}, got {list(channels)}"
            )
        self.n_pixels = n_pixels
        self.width = width
        self.channels = self.channel_names = tuple(channels)
        self.centre = centre
        self.rotate = rotate
        self.flip = flip
        self.normalise = normalise

    @property
    def image_shape(self) -> tuple[int, int, int]:
        return len(self.channels), self.n_pixels, self.n_pixels

    def encode(self, examples: Ragged) -> Ragged:
        pt, dy, dphi = around_axis(examples)
        weight = pt / np.repeat(sums(pt, examples), examples.counts)
        place = self._oriented(np.stack([dy, dphi], axis=1), weight, examples)
        pixel = np.floor((place / self.width + 0.5) * self.n_pixels).astype(np.int32)
        inside = np.all((pixel >= 0) & (pixel < self.n_pixels), axis=1)
        enough = np.min_scalar_type(-(self.n_pixels**2))  # int32 overflows beyond 46,340 rows
        columns = {
            "pixel": (pixel[:, 0] * np.int64(self.n_pixels) + pixel[:, 1]).astype(enough),
            "pt": (weight if self.normalise else pt).astype(np.float32),
        }
        return Ragged(examples.label, examples.offsets, columns, examples.extras).keep(inside)

    def _oriented(self, place: NDArray, weight: NDArray, jets: Ragged) -> NDArray:
        """Positions (m, 2) relative to the jet axis, after the requested steps of preprocessing."""
        jet = np.repeat(np.arange(len(jets)), jets.counts)
        if self.centre:
            order = np.lexsort((-weight, jet))  # the hardest particle of each jet comes first
            place = place - place[order[jets.offsets[:-1]]][jet]
        if self.rotate:
            y, phi = place.T
            angle = principal_angle(place, weight, jets)[jet]
            cos, sin = np.cos(angle), np.sin(angle)
            place = np.stack([cos * y + sin * phi, cos * phi - sin * y], axis=1)
            # an axis has two directions; a rotation by 180 degrees changes both signs
            place = place * heavier(place, weight, jets)[jet, :1]
        if self.flip:
            place = place * heavier(place, weight, jets)[jet]
        return place

    def collate(self, examples: Ragged, common: Common) -> ImageBatch:
        n, size = len(examples), self.n_pixels**2
        flat = np.repeat(np.arange(n) * size, examples.counts) + examples["pixel"]
        weights = {"pt": examples["pt"], "multiplicity": None}
        binned = np.stack([np.bincount(flat, weights[name], minlength=n * size) for name in self.channels])
        image = binned.reshape(len(self.channels), n, self.n_pixels, self.n_pixels).swapaxes(0, 1)
        return ImageBatch(**common, image=torch.from_numpy(np.ascontiguousarray(image, np.float32)))
