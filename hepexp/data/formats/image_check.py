"""Whether images are physics: finite pixels, at least one of them, no negative energy where none can be."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hepexp.data.formats.refusal import refuse_elements, refuse_rows
from hepexp.data.ragged import Ragged


def check_images(images: Ragged, path: Path, first_row: int, *, negative: bool) -> Ragged:
    """The same images, if a model can be trained on them.

    Parameters
    ----------
    path, first_row : where they come from, for the message.
    negative : whether a pixel may be below zero, as noise and times are.

    Raises
    ------
    DataError : names the file and the first bad row.
    """
    value = images["value"]
    refuse_rows(path, first_row, images.counts == 0, "is an empty image; expected at least one non-zero pixel")
    what = "has a pixel with NaN or infinity; expected finite pixels"
    refuse_elements(path, first_row, images.offsets, ~np.isfinite(value), what)
    if not negative:
        what = "has a pixel below zero; expected energies and momenta >= 0"
        refuse_elements(path, first_row, images.offsets, value < 0, what)
    for name, column in images.extras.items():
        refuse_rows(path, first_row, ~np.isfinite(column), f"has a {name} of NaN or infinity; expected a finite {name}")
        # the mass of a nearly massless jet is below zero by rounding
        refuse_rows(path, first_row, column < -1, f"has a {name} below zero; expected {name} >= 0 in GeV")
    return images
