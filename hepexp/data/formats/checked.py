"""The last step of every reader: the raw numbers of a file, of whatever type, are checked and become examples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hepexp.data.store.check import Check
from hepexp.data.store.ragged import NO_LABEL, Layout, Ragged


def checked(
    check: Check,
    layout: Layout,
    path: Path,
    first: int,
    label: NDArray | None,
    offsets: NDArray[np.int64],
    elements: Mapping[str, NDArray],
    extras: Mapping[str, NDArray] | None = None,
    edges: Ragged | None = None,
    unknown: NDArray[np.bool_] | None = None,
) -> Ragged:
    """Check examples and convert them to the types of a layout.

    Parameters
    ----------
    check, layout : of the data set.
    path, first : the file, and the row in it of the first of these examples, for messages.
    label, offsets, elements, extras, edges : the values read; label is None if the file has none and none is needed.
    unknown : (n,) examples of a class that the data set does not have, where no label is needed; by default none is.

    Raises
    ------
    DataError : names the file and the first bad row, and says what was expected.
    """
    given = np.zeros(len(offsets) - 1, np.int8) if label is None else label
    if label is not None and unknown is not None:
        given = np.where(unknown, 0, label)  # any valid label, so that the check covers everything else
    raw = Ragged(given, offsets, dict(elements), dict(extras or {}), edges)
    with np.errstate(over="ignore"):  # values too large for float32 have been refused
        examples = check(raw, str(path), first).cast(layout)
    if label is None:
        return examples.unlabelled()
    return examples if unknown is None else replace(examples, label=np.where(unknown, NO_LABEL, examples.label))
