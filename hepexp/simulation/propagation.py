"""Propagation of particles from the collision to the face of the calorimeter, in a magnetic field along the beam.

A particle of charge q and transverse momentum pT (GeV) is deflected by an angle q 0.3 B / pT per metre of its path in
the transverse plane (B in T). After a path s the chord is s sinc(angle / 2), at angle / 2 to the initial direction.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from hepexp.simulation.particles import Particles

Floats = NDArray[np.float64]
_STRAIGHT = 1e-12  # sinh(eta) of a particle that never reaches the end of the cylinder


class Propagation(Protocol):
    """Propagates particles to the calorimeter."""

    def arrive(self, particles: Particles) -> tuple[Floats, Floats, NDArray[np.bool_]]:
        """Pseudorapidity and azimuth (m,) of the impact points, seen from the collision, and a mask of the arrivals."""


@dataclass(frozen=True)
class Barrel:
    """An infinitely long barrel: the field only shifts azimuths, and particles that curl up inside it are lost.

    Parameters
    ----------
    field : T.
    radius : m.
    """

    field: float
    radius: float

    def arrive(self, particles: Particles) -> tuple[Floats, Floats, NDArray[np.bool_]]:
        """See `Propagation`."""
        # A circle of radius pT / (0.3 B) through the origin reaches the face at an azimuth of asin(face / diameter).
        turn = 0.3 * self.field * self.radius / 2 * particles.charge / particles.pt
        reached = abs(turn) < 1
        return particles.eta, particles.phi - np.arcsin(np.where(reached, turn, 0)), reached


@dataclass(frozen=True)
class Cylinder:
    """A cylinder, as in Delphes' ParticlePropagator: particles that curl up in the barrel reach one of its ends.

    All particles are assumed to start at the collision; those produced outside the cylinder are lost.

    Parameters
    ----------
    field : T.
    radius, half_length : m.
    """

    field: float
    radius: float
    half_length: float

    def arrive(self, particles: Particles) -> tuple[Floats, Floats, NDArray[np.bool_]]:
        """See `Propagation`."""
        half_turn = 0.15 * self.field * particles.charge / particles.pt  # per metre
        slope = np.sinh(particles.eta)  # dz/ds
        slope = np.copysign(np.maximum(abs(slope), _STRAIGHT), slope)
        sine = np.minimum(self.radius * abs(half_turn), 1.0)
        to_side = self.radius * np.arcsin(sine) / np.where(sine > 0, sine, 1.0)
        to_side = np.where(sine == 0, self.radius, np.where(sine == 1, np.inf, to_side))
        path = np.minimum(to_side, self.half_length / abs(slope))
        half = path * half_turn
        chord = path * np.sinc(half / np.pi)
        eta = np.arcsinh(path * slope / np.maximum(abs(chord), _STRAIGHT))
        return eta, particles.phi - half + np.pi * (chord < 0), particles.production_radius < 1000 * self.radius
