"""Particles relative to their jet: their four-momenta, the hardest ones, their axis and mass."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from hepexp.data.physics.kinematics import four_momenta, invariant_mass, polar, sums, wrapped
from hepexp.data.store.ragged import Ragged
from hepexp.data.transforms.four_momenta import with_particles
from hepexp.data.transforms.transform import Transform


def relative_momenta(jets: Ragged) -> NDArray[np.float64]:
    """Massless four-momenta (m, 4) of the particles in units of the jet's pT, in the frame in which it has eta = 0."""
    pt, eta, phi = (jets[name].astype(np.float64) for name in ("pt_rel", "eta_rel", "phi_rel"))
    return four_momenta(pt, eta, phi, 0.0)


def relative_mass(jets: Ragged) -> NDArray[np.float64]:
    """Mass (n,) of the sum of the particles of each jet in units of the jet's pT, as in arXiv:2106.11535."""
    return invariant_mass(sums(relative_momenta(jets), jets))


def centred(jets: Ragged) -> Ragged:
    """The jets with angles relative to the sum of their particles, which a cut on their number has moved."""
    _, y, phi = polar(sums(relative_momenta(jets), jets))  # massless particles are shifted by a rapidity
    moved = {
        "eta_rel": jets["eta_rel"] - np.repeat(y, jets.counts),
        "phi_rel": wrapped(jets["phi_rel"] - np.repeat(phi, jets.counts)),
    }
    return replace(jets, elements={**jets.elements, **moved})


class RelativeParticles(Transform):
    """Four-momenta of the particles in GeV, massless and with the azimuth of the jet at 0; scalars: the constant 1."""

    def __call__(self, jets: Ragged) -> Ragged:
        pt, eta = (np.repeat(jets[name].astype(np.float64), jets.counts) for name in ("jet_pt", "jet_eta"))
        p4 = four_momenta(jets["pt_rel"] * pt, jets["eta_rel"] + eta, jets["phi_rel"].astype(np.float64), 0.0)
        return with_particles(jets, p4, np.ones((len(p4), 1)))


class HardestCentred(Transform):
    """The n particles of largest pT, with angles relative to their sum.

    Parameters
    ----------
    n : number of particles; None for all.
    """

    def __init__(self, n: int | None) -> None:
        self.n = n

    def __call__(self, jets: Ragged) -> Ragged:
        return centred(jets.largest(self.n, jets["pt_rel"]))

    def longest(self, before: int | None) -> int | None:
        return self.n
