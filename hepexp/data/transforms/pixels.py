"""The non-zero pixels of an image, each with the values of all channels, as nodes of a graph or as particles."""

from __future__ import annotations

import numpy as np

from hepexp.data.physics.kinematics import SOFTEST
from hepexp.data.store.ragged import Ragged, offsets_of
from hepexp.data.transforms.four_momenta import with_particles
from hepexp.data.transforms.transform import Transform


def lit_pixels(images: Ragged, shape: tuple[int, int, int]) -> Ragged:
    """Pixels that are non-zero in any channel.

    Parameters
    ----------
    images : columns position and value.
    shape : (channels, rows, columns).

    Returns
    -------
    Columns value (m, channels) float32 and place (m, 2) float32, the row and column.
    """
    channels, rows, columns = shape
    pixels = rows * columns
    image = np.repeat(np.arange(len(images)), images.counts)
    channel, pixel = np.divmod(images["position"].astype(np.int64), pixels)
    distinct, node = np.unique(image * pixels + pixel, return_inverse=True)
    value = np.zeros((len(distinct), channels), np.float32)
    value[node, channel] = images["value"]
    image, pixel = np.divmod(distinct, pixels)
    place = np.stack(np.divmod(pixel, columns), axis=1).astype(np.float32)
    counts = np.bincount(image, minlength=len(images))
    return Ragged(images.label, offsets_of(counts), {"value": value, "place": place}, images.extras)


def with_blank_pixel(found: Ragged, shape: tuple[int, int, int]) -> Ragged:
    """The nodes of images of this shape, with a node of value zero at the centre of each image that has none.

    Models take means over nodes or particles, and the mean over no nodes is undefined.
    """
    counts = found.counts
    if counts.min(initial=1) > 0:
        return found
    offsets = offsets_of(np.maximum(counts, 1))
    blank = np.zeros(offsets[-1], bool)
    blank[offsets[:-1][counts == 0]] = True
    value = np.zeros((len(blank), shape[0]), np.float32)
    place = np.tile((np.array(shape[1:], np.float32) - 1) / 2, (len(blank), 1))
    value[~blank], place[~blank] = found["value"], found["place"]
    return Ragged(found.label, offsets, {"value": value, "place": place}, found.extras)


class PixelParticles(Transform):
    """Pixels as massless particles, so that models that take particles can be used on images.

    The transverse momentum is the sum over a pixel's channels, if that is positive; the direction is that of the pixel,
    with rows along pseudorapidity, columns along azimuth and the centre of the image at zero; the scalars are the
    fractions of the sum in each channel. An image without energy becomes one particle at its centre, with the pT
    SOFTEST and all scalars zero.

    Parameters
    ----------
    shape : (channels, rows, columns).
    cell : size of a pixel in pseudorapidity and in azimuth (radians).
    """

    def __init__(self, shape: tuple[int, int, int], cell: float) -> None:
        self.shape = shape
        self.cell = cell

    def __call__(self, images: Ragged) -> Ragged:
        found = lit_pixels(images, self.shape)
        found = with_blank_pixel(found.keep(found["value"].sum(1) > 0), self.shape)
        pt = np.maximum(found["value"].sum(1, dtype=np.float64), SOFTEST)
        eta, phi = ((found["place"] - (np.array(self.shape[1:]) - 1) / 2) * self.cell).T.astype(np.float64)
        p4 = pt[:, None] * np.stack([np.cosh(eta), np.cos(phi), np.sin(phi), np.sinh(eta)], axis=1)
        return with_particles(found, p4, found["value"] / pt[:, None])
