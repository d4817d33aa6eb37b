"""Soft-drop mass of jets, computed by fastjet-contrib; for N-subjettiness see `hepexp.data.physics.substructure`.

References
----------
Larkoski et al., arXiv:1402.2657.
"""

from __future__ import annotations

import awkward as ak
import fastjet
import numpy as np
from numpy.typing import NDArray

_WHOLE = 10.0  # a radius that puts all constituents into one jet
_CAMBRIDGE = fastjet.JetDefinition(fastjet.cambridge_algorithm, _WHOLE)


def soft_drop_mass(constituents: ak.Array, z_cut: float) -> NDArray[np.float64]:
    """Masses (n,) in GeV of jets groomed with beta = 0, along their Cambridge/Aachen tree.

    Parameters
    ----------
    constituents : momenta (n, var) with the fields E, px, py, pz, at least one per jet.
    z_cut : minimum pT fraction of the softer branch, below which it is dropped.
    """
    sequence = fastjet.ClusterSequence(constituents, _CAMBRIDGE)
    return ak.to_numpy(sequence.exclusive_jets_softdrop_grooming(1, beta=0.0, symmetry_cut=z_cut).msoftdrop)
