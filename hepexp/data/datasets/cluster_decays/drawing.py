"""What is drawn of decays of clusters: masses, momenta, and the direction of the first hadron."""

from __future__ import annotations

import numpy as np

from hepexp.data.datasets.cluster_decays.observables import observe
from hepexp.data.datasets.cluster_decays.two_body import of_cluster, of_hadrons
from hepexp.data.physics.kinematics import invariant_mass
from hepexp.data.pictures.drawing import Drawing
from hepexp.data.pictures.quantities import Quantities
from hepexp.data.store.ragged import Ragged


def quantities(decays: Ragged) -> Quantities:
    """Mass and energy of the cluster, energy of the first hadron, and its angles in the rest frame."""
    cluster, angles = of_cluster(decays), observe(decays, ["phi", "theta", "flight"])
    return {
        "mass of the cluster [GeV]": invariant_mass(cluster),
        "energy of the cluster [GeV]": cluster[:, 0],
        "energy of the first hadron [GeV]": of_hadrons(decays)[:, 0, 0],
        "phi [rad]": angles["phi"][:, 0],
        "theta [rad]": angles["theta"][:, 0],
        "cosine to the flight": angles["flight"][:, 0],
        "charged hadrons": (abs(decays["pdgid"]) == 211).reshape(-1, 2).sum(1).astype(np.float64),
    }


DRAWING = Drawing(quantities)
