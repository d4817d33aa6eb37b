"""What is drawn of jets with vertices: their tracks and vertices, and how far tracks pass from the beam."""

from __future__ import annotations

import numpy as np

from hepexp.data.datasets.vertexing.module import Tracks
from hepexp.data.physics.kinematics import invariant_mass, sums
from hepexp.data.pictures.drawing import Drawing
from hepexp.data.pictures.jet_view import JetView
from hepexp.data.pictures.quantities import Quantities
from hepexp.data.store.ragged import Ragged

_TRACKS = Tracks()
_DISPLACED = 0.1  # mm


def quantities(jets: Ragged) -> Quantities:
    """Tracks, vertices, displaced tracks, and the mass of all tracks of each jet."""
    jet = np.repeat(np.arange(len(jets)), jets.counts)
    pairs = np.unique(np.stack([jet, jets["vertex"]]), axis=1)
    return {
        "tracks": jets.counts.astype(np.float64),
        "vertices": np.bincount(pairs[0], minlength=len(jets)).astype(np.float64),
        f"tracks with |d0| > {_DISPLACED} mm": sums((abs(jets["d0"]) > _DISPLACED).astype(np.float64), jets),
        "mass of the tracks [GeV]": invariant_mass(sums(_TRACKS(jets)["p4"], jets)),
        "jet pT [GeV]": jets["jet_pt"].astype(np.float64),
    }


DRAWING = Drawing(
    quantities,
    JetView(_TRACKS, 0.4, ("primary vertex", "another vertex"), lambda jets: (jets["vertex"] != 0).astype(np.int64)),
)
