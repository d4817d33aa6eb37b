"""Tracks of charged particles: efficiency and pT resolution.

References
----------
The parametrisations are those of Delphes' cards (arXiv:1307.6346); those for ATLAS and CMS have the same efficiencies.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hepexp.simulation.particles import CHARGED_HADRON, ELECTRON, MUON, Particles

MIN_PT = 0.1  # GeV
MAX_ETA = 2.5
_ETA_EDGES = (0.5, 1.5)  # between the three regions of the resolution; the second also between those of the efficiency
# Efficiency for |eta| < 1.5 and above, each for pT of 0.1-1, 1-100, and above 100 GeV.
_PT_EDGES = (1.0, 100.0)
_EFFICIENCY = {
    CHARGED_HADRON: ((0.70, 0.95, 0.95), (0.60, 0.85, 0.85)),
    ELECTRON: ((0.73, 0.95, 0.99), (0.50, 0.83, 0.90)),
    MUON: ((0.75, 0.99, 0.99), (0.70, 0.98, 0.98)),
}


@dataclass(frozen=True)
class Tracker:
    """A tracker.

    Parameters
    ----------
    resolution : for each kind of charged particle, a and b (per GeV) of sigma(pT) / pT = hypot(a, b pT), in the
        regions |eta| < 0.5, < 1.5 and < 2.5.
    keep_mass : tracks keep the particle's mass. If false, E = |p|, as in versions of Delphes before 3.4.
    max_production_radius : maximum distance from the beam axis, in mm, at which a particle with a track is produced.
    """

    resolution: Mapping[int, tuple[tuple[float, float], tuple[float, float], tuple[float, float]]]
    keep_mass: bool
    max_production_radius: float

    def find(
        self, particles: Particles, arrival: NDArray[np.float64], random: np.random.Generator
    ) -> tuple[NDArray[np.bool_], Particles, NDArray[np.float64]]:
        """Mask of the particles (m,) with a track; the measured tracks (k); the relative error (k,) of their pT.

        Parameters
        ----------
        arrival : (m,) pseudorapidity at which they leave the tracker, which determines efficiency and resolution.
        """
        efficiency, sigma = np.zeros(len(particles)), np.zeros(len(particles))
        region = np.searchsorted(_ETA_EDGES, abs(arrival))
        for kind, table in _EFFICIENCY.items():
            of_kind = particles.kind == kind
            pt, place = particles.pt[of_kind], region[of_kind]
            efficiency[of_kind] = np.array(table)[np.maximum(place - 1, 0), np.searchsorted(_PT_EDGES, pt)]
            a, b = np.array(self.resolution[kind])[place].T
            sigma[of_kind] = np.hypot(a, b * pt)
        out_of_reach = (
            (particles.pt < MIN_PT)
            | (abs(arrival) > MAX_ETA)
            | (particles.production_radius > self.max_production_radius)
        )
        efficiency[out_of_reach] = 0
        found = random.random(len(particles)) < efficiency
        tracks = particles[found]
        tracks = replace(tracks, pt=smear(tracks.pt, sigma[found] * tracks.pt, random))
        if not self.keep_mass:
            tracks = replace(tracks, mass=np.zeros(len(tracks)))
        return found, tracks, sigma[found]


def smear(values: NDArray[np.float64], sigma: NDArray[np.float64], random: np.random.Generator) -> NDArray[np.float64]:
    """Values (m,) drawn from log-normal distributions with these means and standard deviations; 0 stays 0."""
    relative = np.divide(sigma, values, out=np.zeros_like(values), where=values > 0)
    width = np.sqrt(np.log1p(relative**2))
    return values * np.exp(width * random.standard_normal(len(values)) - width**2 / 2)
