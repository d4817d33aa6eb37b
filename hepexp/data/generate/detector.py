"""A detector in the manner of Delphes: tracks, and towers with what the tracks do not account for.

References
----------
arXiv:1307.6346. Simplified: no showers across cells, no decays or material on the way; the field moves the place
where a charged particle reaches the calorimeter, and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hepexp.data.generate.particles import Particles
from hepexp.data.generate.towers import Calorimeter
from hepexp.data.generate.tracker import Tracker

MAX_ETA = 3.2  # of the particles that are looked at: beyond the jets, |eta| < 2 with a radius of 0.8


@dataclass(frozen=True)
class Detector:
    """A detector.

    Parameters
    ----------
    tracker : finds and measures charged particles.
    calorimeters : one or more.
    field : T, along the beam.
    radius : m, of the calorimeter's inner face.
    """

    tracker: Tracker
    calorimeters: tuple[Calorimeter, ...]
    field: float
    radius: float

    def energy_flow(self, particles: Particles, random: np.random.Generator) -> Particles:
        """Tracks, photons and neutral hadrons, in the order of the events."""
        found, tracks, error = self.tracker.find(particles, random)
        tracked, sigma = np.zeros((2, len(particles)))
        tracked[found], sigma[found] = tracks.energy, error * tracks.energy
        # A circle of radius pT / (0.3 B) through the origin meets the face after turning by asin(face / diameter). A
        # neutral particle goes straight; one that curls up before the face reaches the end caps far from its jet.
        turn = 0.3 * self.field * self.radius / 2 * particles.charge / particles.pt
        reaches = abs(turn) < 1
        phi = particles.phi[reaches] - np.arcsin(turn[reaches])
        neutrals, scale = [], np.ones(len(particles))
        for calorimeter in self.calorimeters:
            seen, factor = calorimeter.measure(particles[reaches], phi, tracked[reaches], sigma[reaches], random)
            neutrals.append(seen)
            scale[reaches] *= factor
        return Particles.concatenate([tracks.change(pt=tracks.pt * scale[found]), *neutrals])
