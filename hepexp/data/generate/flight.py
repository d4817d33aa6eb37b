"""The way of particles from the collision to the face of the calorimeter, in a magnetic field along the beam.

A particle of charge q and transverse momentum pT (GeV) turns by q 0.3 B / pT for each metre of its path across the
beam (B in T). After a path s the chord is s sinc(turn / 2), and it points half the turn away from the start.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hepexp.data.generate.particles import Particles

Floats = NDArray[np.float64]
_STRAIGHT = 1e-12  # sinh(eta) of a particle that never gets to the end of a cylinder


class Flight(Protocol):
    """What carries particles to the calorimeter."""

    def arrive(self, particles: Particles) -> tuple[Floats, Floats, NDArray[np.bool_]]:
        """Pseudorapidity and azimuth (m,) of the places, seen from the collision, and which particles get there."""


@dataclass(frozen=True)
class Barrel:
    """A barrel without ends: the field moves azimuths alone, and what curls up before the face is not seen any more.

    Parameters
    ----------
    field : T.
    radius : m.
    """

    field: float
    radius: float

    def arrive(self, particles: Particles) -> tuple[Floats, Floats, NDArray[np.bool_]]:
        """See `Flight`."""
        # A circle of radius pT / (0.3 B) through the origin meets the face after turning by asin(face / diameter).
        turn = 0.3 * self.field * self.radius / 2 * particles.charge / particles.pt
        reached = abs(turn) < 1
        return particles.eta, particles.phi - np.arcsin(np.where(reached, turn, 0)), reached


@dataclass(frozen=True)
class Cylinder:
    """A cylinder, as in Delphes' ParticlePropagator: what curls up in the barrel goes on to one of its ends.

    All particles are taken to start at the collision; those that were made outside are not seen.

    Parameters
    ----------
    field : T.
    radius, half_length : m.
    """

    field: float
    radius: float
    half_length: float

    def arrive(self, particles: Particles) -> tuple[Floats, Floats, NDArray[np.bool_]]:
        """See `Flight`."""
        half_turn = 0.15 * self.field * particles.charge / particles.pt  # a metre
        slope = np.sinh(particles.eta)  # dz/ds
        slope = np.copysign(np.maximum(abs(slope), _STRAIGHT), slope)
        sine = np.minimum(self.radius * abs(half_turn), 1.0)
        to_side = self.radius * np.arcsin(sine) / np.where(sine > 0, sine, 1.0)
        to_side = np.where(sine == 0, self.radius, np.where(sine == 1, np.inf, to_side))
        path = np.minimum(to_side, self.half_length / abs(slope))
        half = path * half_turn
        chord = path * np.sinc(half / np.pi)
        eta = np.arcsinh(path * slope / np.maximum(abs(chord), _STRAIGHT))
        return eta, particles.phi - half + np.pi * (chord < 0), particles.birth < 1000 * self.radius
