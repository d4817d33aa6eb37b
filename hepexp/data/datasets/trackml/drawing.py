"""What is drawn of events of hits."""

from __future__ import annotations

import numpy as np

from hepexp.data.pictures.drawing import Drawing
from hepexp.data.pictures.quantities import Quantities
from hepexp.data.store.ragged import Ragged


def quantities(events: Ragged) -> Quantities:
    """Hits, hits of particles above 1 GeV, and particles with three or more hits."""
    event = np.repeat(np.arange(len(events)), events.counts)
    known = (events["particle"] >= 0) & (events["pt"] > 0)
    pairs, hits = np.unique(np.stack([event, events["particle"]])[:, known], axis=1, return_counts=True)
    return {
        "hits": events.counts.astype(np.float64),
        "hits of particles above 1 GeV": np.bincount(event[events["pt"] > 1], minlength=len(events)).astype(np.float64),
        "particles with 3 or more hits": np.bincount(pairs[0][hits >= 3], minlength=len(events)).astype(np.float64),
    }


DRAWING = Drawing(quantities)
