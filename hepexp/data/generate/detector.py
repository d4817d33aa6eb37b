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
        found, tracks = self.tracker.find(particles, random)
        tracked = np.zeros(len(particles))
        tracked[found] = tracks.energy
        # A circle of radius pT / (0.3 B) through the origin meets the face after turning by asin(face / diameter). A
        # neutral particle goes straight; one that curls up before the face reaches the end caps far from its jet.
        turn = 0.3 * self.field * self.radius / 2 * particles.charge / particles.pt
        reaches = abs(turn) < 1
        phi = particles.phi[reaches] - np.arcsin(turn[reaches])
        return Particles.concatenate(
            [
                tracks,
                *(
                    calorimeter.neutrals(particles[reaches], phi, tracked[reaches], random)
                    for calorimeter in self.calorimeters
                ),
            ]
        )
