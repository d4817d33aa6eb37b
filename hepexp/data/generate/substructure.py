"""Soft-drop mass and N-subjettiness of jets, by the contributions that FastJet's package carries.

References
----------
Soft drop: Larkoski et al., arXiv:1402.2657. N-subjettiness: Thaler and Van Tilburg, arXiv:1011.2268, eq. (2.1).
"""

from __future__ import annotations

import awkward as ak
import fastjet
import numpy as np
from numpy.typing import NDArray

_WHOLE = 10.0  # a radius beyond any jet's: all constituents go into one
_CAMBRIDGE = fastjet.JetDefinition(fastjet.cambridge_algorithm, _WHOLE)


def soft_drop_mass(constituents: ak.Array, z_cut: float) -> NDArray[np.float64]:
    """Masses (n,) in GeV of jets groomed with beta = 0, along their Cambridge/Aachen tree.

    Parameters
    ----------
    constituents : momenta (n, var) with the fields E, px, py, pz, at least one a jet.
    z_cut : share of the softer branch's pT below which it is dropped.
    """
    sequence = fastjet.ClusterSequence(constituents, _CAMBRIDGE)
    return ak.to_numpy(sequence.exclusive_jets_softdrop_grooming(1, beta=0.0, symmetry_cut=z_cut).msoftdrop)


def subjettiness(constituents: ak.Array, most: int, radius: float) -> NDArray[np.float64]:
    """tau_1 to tau_most, (n, most), with beta = 1 and the axes of exclusive kT subjets.

    tau_N = sum_k pT_k min_a dR(k, axis a) / (sum_k pT_k radius); 0 where a jet has no more than N constituents.
    """
    sequence = fastjet.ClusterSequence(constituents, _CAMBRIDGE)
    return ak.to_numpy(
        sequence.njettiness(
            measure_definition="NormalizedMeasure",
            axes_definition="KT_Axes",
            njets=list(range(1, most + 1)),
            beta=1.0,
            R0=radius,
        )
    )
