"""A Delphes-like detector: tracks, and towers with the energy that the tracks do not account for.

References
----------
arXiv:1307.6346. Simplified: no showers across cells, no decays in flight, no material; the only effect of the field is
to shift where a charged particle reaches the calorimeter (`propagation.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from hepexp.simulation.calorimeter import Calorimeter
from hepexp.simulation.particles import Particles
from hepexp.simulation.propagation import Propagation
from hepexp.simulation.tracker import Tracker

MAX_ETA = 3.2  # of the particles simulated, enough to cover jets of |eta| < 2 and radius 0.8


@dataclass(frozen=True)
class Detector:
    """A detector.

    Parameters
    ----------
    tracker : finds and measures charged particles.
    calorimeters : one or more.
    propagation : propagates particles to the calorimeters.
    """

    tracker: Tracker
    calorimeters: tuple[Calorimeter, ...]
    propagation: Propagation

    def energy_flow(self, particles: Particles, random: np.random.Generator) -> Particles:
        """Tracks, photons and neutral hadrons, ordered by event."""
        eta, phi, arrives = self.propagation.arrive(particles)
        found, tracks, error = self.tracker.find(particles, eta, random)
        tracked, sigma = np.zeros((2, len(particles)))
        tracked[found], sigma[found] = tracks.energy, error * tracks.energy
        neutrals, scale = [], np.ones(len(particles))
        entering = particles[arrives]
        eta, phi, tracked, sigma = eta[arrives], phi[arrives], tracked[arrives], sigma[arrives]
        for calorimeter in self.calorimeters:
            seen, factor = calorimeter.measure(entering, eta, phi, tracked, sigma, random)
            neutrals.append(seen)
            scale[arrives] *= factor
        tracks = replace(tracks, pt=tracks.pt * scale[found])
        return Particles.by_event([tracks[tracks.pt > 0], *neutrals])
