"""Jets as clouds of (eta_rel, phi_rel, pt_rel), and generated clouds as jets."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hepexp.data.datasets.jetnet.info import ANGLE, LAYOUT, SHARE
from hepexp.data.datasets.jetnet.relative import centred, relative_mass
from hepexp.data.representations.cloud import PointCloud
from hepexp.data.store.ragged import Ragged

SOFTEST = 1e-5  # of the jet's pT: 10 MeV, which no detector sees


class JetCloud(PointCloud):
    """Jets as clouds of (eta_rel, phi_rel, pt_rel).

    Of a generated jet the particles are centred and sorted by pT; the mass is that of its particles. pT and eta are
    those of the training jet from which its number of particles was drawn.

    Parameters
    ----------
    spread : standard deviation of each component, 5 in arXiv:2301.08128.
    """

    def __init__(self, spread: float = 5.0) -> None:
        super().__init__(tuple(LAYOUT.elements), spread)

    def complete(self, examples: Ragged) -> Ragged:
        """Jets with a particle of negative pT, or one beyond all angles, get it moved to the end of what is allowed."""
        columns = dict(examples.elements)
        columns["pt_rel"] = np.clip(columns["pt_rel"], SOFTEST, SHARE.high)
        for name in ("eta_rel", "phi_rel"):
            columns[name] = np.clip(columns[name], ANGLE.low, ANGLE.high)
        jets = centred(replace(examples, elements=columns))
        jets.elements["eta_rel"] = np.clip(jets["eta_rel"], ANGLE.low, ANGLE.high)
        order = np.lexsort((-jets["pt_rel"], np.repeat(np.arange(len(jets)), jets.counts)))
        mass = relative_mass(jets) * examples["jet_pt"]
        jets = replace(
            jets,
            elements={name: column[order] for name, column in jets.elements.items()},
            extras={**jets.extras, "jet_mass": mass},
        )
        return jets.cast(LAYOUT)
