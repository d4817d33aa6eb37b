"""Images given as non-zero pixels, rotated about their centre by an angle, or upright."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hepexp.data.store.ragged import Ragged, offsets_of
from hepexp.data.transforms.orientation import heavier, principal_angle


def rotated(images: Ragged, shape: tuple[int, int, int], degrees: float | NDArray[np.floating]) -> Ragged:
    """Rotated images: each non-zero pixel moves to the pixel that contains its rotated centre, and coinciding ones add.

    Unlike interpolation, this does not smear energy over neighbouring pixels. For a square image, rotations by
    multiples of 90 degrees are exact and agree with `torch.rot90`. Pixels that leave the image are lost.

    Parameters
    ----------
    images : columns position (m,), (channel * rows + row) * columns + column, and value (m,).
    shape : (channels, rows, columns).
    degrees : angle of the rotation, or of that of each image (n,), counter-clockwise when the image is drawn with rows
        running downwards.
    """
    channels, rows, columns = shape
    channel, row, column = np.unravel_index(images["position"], shape)
    image = np.repeat(np.arange(len(images)), images.counts)
    y, x = row - (rows - 1) / 2, column - (columns - 1) / 2
    angle = np.deg2rad(np.broadcast_to(degrees, len(images)))[image]
    sin, cos = np.sin(angle), np.cos(angle)
    # rounded first, as the floating-point error of the sine of a right angle would decide which way half a pixel goes
    row = np.rint(np.round(y * cos - x * sin + (rows - 1) / 2, 9)).astype(np.int64)
    column = np.rint(np.round(y * sin + x * cos + (columns - 1) / 2, 9)).astype(np.int64)
    inside = (row >= 0) & (row < rows) & (column >= 0) & (column < columns)
    place = ((image * channels + channel) * rows + row) * columns + column
    place, owner = np.unique(place[inside], return_inverse=True)
    value = np.bincount(owner, images["value"][inside], minlength=len(place)).astype(np.float32)
    image, position = np.divmod(place, channels * rows * columns)
    counts = np.bincount(image, minlength=len(images))
    elements = {"position": position.astype(np.int32), "value": value}
    return Ragged(images.label, offsets_of(counts), elements, images.extras)


def upright(images: Ragged, shape: tuple[int, int, int]) -> Ragged:
    """Images rotated until their principal axis through the centre is vertical, the heavier half in the higher rows.

    Pixels weigh |value|, summed over channels. An image that is rotated by a multiple of 90 degrees, if it is square,
    becomes the same image; by another angle, up to the rounding of places to pixels, twice.

    Parameters
    ----------
    images, shape : as for `rotated`.
    """
    place, weight = _places(images, shape)
    angle = principal_angle(place, weight, images)
    image = np.repeat(np.arange(len(images)), images.counts)
    along = np.einsum("mi,im->m", place, np.stack([np.cos(angle), np.sin(angle)])[:, image])
    # rounded, as the sign of a pixel on the dividing line would be that of a rounding error
    sense = heavier(np.round(along, 9)[:, None], weight, images)[:, 0]
    return rotated(images, shape, -np.rad2deg(angle) + np.where(sense < 0, 180.0, 0.0))


def reflected(images: Ragged, shape: tuple[int, int, int]) -> Ragged:
    """Images reflected so that the heavier half is in the higher rows and in the higher columns.

    An image in which rows, or columns, are in reverse order becomes the same image.

    Parameters
    ----------
    images, shape : as for `rotated`.
    """
    sign = heavier(*_places(images, shape), images)
    channel, row, column = np.unravel_index(images["position"], shape)
    image = np.repeat(np.arange(len(images)), images.counts)
    row = np.where(sign[image, 0] < 0, shape[1] - 1 - row, row)
    column = np.where(sign[image, 1] < 0, shape[2] - 1 - column, column)
    position = np.ravel_multi_index((channel, row, column), shape).astype(np.int32)
    elements = {"position": position, "value": images["value"]}
    return Ragged(images.label, images.offsets, elements, images.extras)


def _places(images: Ragged, shape: tuple[int, int, int]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Row and column (m, 2) from the centre of the image, and |value| (m,)."""
    _, row, column = np.unravel_index(images["position"], shape)
    place = np.stack([row - (shape[1] - 1) / 2, column - (shape[2] - 1) / 2], axis=1)
    return place, np.abs(images["value"].astype(np.float64))
