"""Substructure of jets: N-subjettiness, soft drop, energy correlators, by fastjet-contrib as bundled with FastJet."""

from __future__ import annotations

from collections.abc import Sequence

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
    return soft_drop(constituents, z_cut)[0]


def soft_drop(constituents: ak.Array, z_cut: float) -> tuple[NDArray[np.float64], ak.Array]:
    """Masses (n,) in GeV of jets groomed as in `soft_drop_mass`, and what is left of their constituents (n, var)."""
    groomed = cluster(constituents, _WHOLE).exclusive_jets_softdrop_grooming(1, beta=0.0, symmetry_cut=z_cut)
    return ak.to_numpy(groomed.msoftdrop), groomed.constituents


def energy_correlators(
    constituents: ak.Array, wanted: Sequence[tuple[str, float, float | None]]
) -> list[NDArray[np.float64]]:
    """Ratios of energy correlation functions (n,) of each jet, in terms of pT fractions and distances in (y, phi).

    Where a jet has too few constituents for its denominator it is 0.

    Parameters
    ----------
    constituents : momenta (n, var) with the fields E, px, py, pz, at least one per jet.
    wanted : name, c1, c2, d2, m2, n2 or generalizedd2, exponent beta, and for the last one also alpha of the numerator.

    References
    ----------
    Larkoski, Salam, Thaler, arXiv:1305.0007 (C); Larkoski, Moult, Neill, arXiv:1409.6298 (D2); Moult, Necib, Thaler,
    arXiv:1609.07483 (M2, N2).
    """
    jets = cluster(constituents, _WHOLE)
    found = []
    for name, beta, alpha in wanted:
        more = {} if alpha is None else {"alpha": alpha}
        values = ak.to_numpy(jets.exclusive_jets_energy_correlator(1, beta=beta, func=name, **more))
        found.append(np.where(np.isfinite(values) & (values >= 0), values, 0))
    return found
