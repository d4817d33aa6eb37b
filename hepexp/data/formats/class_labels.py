"""Labels of two classes, as the published files store them: as any kind of number."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hepexp.data.formats.refusal import refuse_rows


def class_labels(values: NDArray, path: Path, first_row: int, meaning: str) -> NDArray[np.int8]:
    """Labels (n,), 0 or 1, in the type of the store.

    Parameters
    ----------
    path, first_row : where they come from, for the message.
    meaning : of the labels, e.g. "1 for quark, 0 for gluon".

    Raises
    ------
    DataError : names the first row whose label is neither 0 nor 1.
    """
    refuse_rows(path, first_row, ~np.isin(values, (0, 1)), f"has a label outside {{0, 1}}; expected {meaning}")
    return values.astype(np.int8)
