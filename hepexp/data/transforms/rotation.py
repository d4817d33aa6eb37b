"""Images given as non-zero pixels, rotated about their centre."""

from __future__ import annotations

import numpy as np

from hepexp.data.store.ragged import Ragged, offsets_of


def rotated(images: Ragged, shape: tuple[int, int, int], degrees: float) -> Ragged:
    """Rotated images: each non-zero pixel moves to the pixel that contains its rotated centre, and coinciding ones add.

    Unlike interpolation, this does not smear energy over neighbouring pixels. For a square image, rotations by
    multiples of 90 degrees are exact and agree with `torch.rot90`. Pixels that leave the image are lost.

    Parameters
    ----------
    images : columns position (m,), (channel * rows + row) * columns + column, and value (m,).
    shape : (channels, rows, columns).
    degrees : angle of the rotation, counter-clockwise when the image is drawn with rows running downwards.
    """
    channels, rows, columns = shape
    channel, row, column = np.unravel_index(images["position"], shape)
    y, x = row - (rows - 1) / 2, column - (columns - 1) / 2
    sin, cos = np.sin(np.deg2rad(degrees)), np.cos(np.deg2rad(degrees))
    # rounded first, as the floating-point error of the sine of a right angle would decide which way half a pixel goes
    row = np.rint(np.round(y * cos - x * sin + (rows - 1) / 2, 9)).astype(np.int64)
    column = np.rint(np.round(y * sin + x * cos + (columns - 1) / 2, 9)).astype(np.int64)
    inside = (row >= 0) & (row < rows) & (column >= 0) & (column < columns)
    image = np.repeat(np.arange(len(images)), images.counts)
    place = ((image * channels + channel) * rows + row) * columns + column
    place, owner = np.unique(place[inside], return_inverse=True)
    value = np.bincount(owner, images["value"][inside], minlength=len(place)).astype(np.float32)
    image, position = np.divmod(place, channels * rows * columns)
    counts = np.bincount(image, minlength=len(images))
    elements = {"position": position.astype(np.int32), "value": value}
    return Ragged(images.label, offsets_of(counts), elements, images.extras)
