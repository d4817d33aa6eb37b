"""Substructure of jets: N-subjettiness and soft-drop mass, computed by fastjet-contrib as bundled with FastJet."""

from __future__ import annotations

import awkward as ak
import fastjet
import numpy as np
from numpy.typing import NDArray

from hepexp.data.physics.jet_clustering import cluster

# Cambridge/Aachen with a radius that puts all constituents into one jet
_WHOLE = fastjet.JetDefinition(fastjet.cambridge_algorithm, 10.0)


def subjettiness(constituents: ak.Array, most: int, radius: float, minimise: bool = False) -> NDArray[np.float64]:
    """tau_1 to tau_most, (n, most), with beta = 1 and the axes of exclusive kT subjets.

    tau_N = sum_k pT_k min_a dR(k, axis a) / (sum_k pT_k radius); 0 if a jet has no more than N constituents.

    Parameters
    ----------
    constituents : momenta (n, var) with the fields E, px, py, pz, at least one per jet.
    most : largest N.
    radius : R0 in the normalisation; 1 to omit it.
    minimise : move the axes to the nearest local minimum of tau_N.

    References
    ----------
    Thaler and Van Tilburg, arXiv:1011.2268, eq. (2.1).
    """
    return ak.to_numpy(
        cluster(constituents, _WHOLE).njettiness(
            measure_definition="NormalizedMeasure",
            axes_definition="OnePass_KT_Axes" if minimise else "KT_Axes",
            njets=list(range(1, most + 1)),
            beta=1.0,
            R0=radius,
        )
    )


def soft_drop_mass(constituents: ak.Array, z_cut: float) -> NDArray[np.float64]:
    """Masses (n,) in GeV of jets groomed with beta = 0, along their Cambridge/Aachen tree.

    Parameters
    ----------
    constituents : momenta (n, var) with the fields E, px, py, pz, at least one per jet.
    z_cut : minimum pT fraction of the softer branch, below which it is dropped.

    References
    ----------
    Larkoski et al., arXiv:1402.2657.
    """
    groomed = cluster(constituents, _WHOLE).exclusive_jets_softdrop_grooming(1, beta=0.0, symmetry_cut=z_cut)
    return ak.to_numpy(groomed.msoftdrop)
