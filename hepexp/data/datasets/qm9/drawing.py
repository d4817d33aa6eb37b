"""What is drawn of molecules: how many atoms they have, of what kind, and how far apart."""

from __future__ import annotations

import numpy as np

from hepexp.data.datasets.qm9.info import ELEMENTS
from hepexp.data.datasets.qm9.observables import observe
from hepexp.data.pictures.drawing import Drawing
from hepexp.data.pictures.quantities import Quantities
from hepexp.data.store.ragged import Ragged


def quantities(molecules: Ragged) -> Quantities:
    """Atoms of all elements and of each, and the size."""
    found = observe(molecules, ["atoms", "size"])
    farthest = np.maximum.reduceat(found["size"][:, 0], molecules.offsets[:-1])
    return {
        "atoms": molecules.counts.astype(np.float64),
        **{f"atoms of {symbol}": found["atoms"][:, i] for i, symbol in enumerate(ELEMENTS)},
        "farthest atom from the centre [Å]": farthest,
    }


DRAWING = Drawing(quantities)
