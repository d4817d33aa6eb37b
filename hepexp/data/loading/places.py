"""Where the elements that a model gets are in what was read: selections drop some, and beams come before them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hepexp.data.representations.representation import Representation
from hepexp.data.store.ragged import PLACE_READ, Ragged
from hepexp.data.transforms.carry import PLACE, with_places


@dataclass(frozen=True)
class Places:
    """The elements of n examples as a model gets them.

    Parameters
    ----------
    offsets : (n + 1,) of the examples.
    stored : (m,) place of each among those that are stored of its example; -1 of a beam.
    read : (m,) place of each among those that were read.
    edges : those that were read, their ends among the elements that are stored; None if a model gets others.
    directed : whether a model gets these in their own direction only.
    """

    offsets: NDArray[np.int64]
    stored: NDArray[np.int32]
    read: NDArray[np.int32]
    edges: Ragged | None = None
    directed: bool = False


def places_of(examples: Ragged, representation: Representation) -> Places:
    """Of examples with the columns of the store, as this representation gives them to a model."""
    found = with_places(examples.without_edges())
    for transform in representation.transforms:
        found = transform(found)
    stored = found.elements[PLACE]
    read = stored
    if PLACE_READ in examples.elements:
        at = np.repeat(examples.offsets[:-1], found.counts) + np.maximum(stored, 0)
        read = np.where(stored < 0, -1, examples.elements[PLACE_READ][at])
    edges = examples.edges if representation.reads_edges else None
    return Places(found.offsets, stored, read, edges, getattr(representation, "directed", False))
