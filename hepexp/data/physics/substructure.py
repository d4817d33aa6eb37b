"""N-subjettiness, computed by fastjet-contrib as bundled with FastJet's Python package, which must be installed."""

from __future__ import annotations

import awkward as ak
import fastjet
import numpy as np
from numpy.typing import NDArray

from hepexp.data.physics.fastjet_banner import silence_banner

_WHOLE = fastjet.JetDefinition(fastjet.cambridge_algorithm, 10.0)  # a radius that puts all constituents into one jet


def jagged(momentum: NDArray[np.float64], counts: NDArray[np.int64]) -> ak.Array:
    """Four-momenta (m, 4), (E, px, py, pz), of events or jets with these multiplicities (n,), as FastJet takes them."""
    columns = {name: momentum[:, i] for i, name in enumerate(("E", "px", "py", "pz"))}
    return ak.unflatten(ak.zip(columns, with_name="Momentum4D"), counts)


def subjettiness(constituents: ak.Array, most: int, radius: float) -> NDArray[np.float64]:
    """tau_1 to tau_most, (n, most), with beta = 1 and the axes of exclusive kT subjets.

    tau_N = sum_k pT_k min_a dR(k, axis a) / (sum_k pT_k radius); 0 if a jet has no more than N constituents.

    Parameters
    ----------
    constituents : momenta (n, var) with the fields E, px, py, pz, at least one per jet.
    most : largest N.
    radius : R0 in the normalisation; 1 to omit it.

    References
    ----------
    Thaler and Van Tilburg, arXiv:1011.2268, eq. (2.1).
    """
    silence_banner()
    sequence = fastjet.ClusterSequence(constituents, _WHOLE)
    return ak.to_numpy(
        sequence.njettiness(
            measure_definition="NormalizedMeasure",
            axes_definition="KT_Axes",
            njets=list(range(1, most + 1)),
            beta=1.0,
            R0=radius,
        )
    )
