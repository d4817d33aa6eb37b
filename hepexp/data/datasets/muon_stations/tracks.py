"""Muons through the field, the calorimeters and the iron discs of an endcap, to four stations.

A toy in the small-angle approximation. The axial field B(z) = B0 / (1 + exp((z - z0) / d)) ends with the coil; its
radial part is the one that makes it free of divergence, -r B'(z) / 2. In such a field r p_phi + q r A_phi is
conserved, so that a track from the origin has p_phi = -0.3 q r B(z) / 2 (GeV, T, m) and

    d phi / d z = -0.15 q B(z) / p_z.

Multiple scattering is that of thick layers: of a layer of length s and x radiation lengths, the projected angle has the
width theta_0 = 13.6 MeV / p sqrt(x) (1 + 0.038 ln x), and the displacement behind it s theta_0 / sqrt 3, correlated
with the angle by sqrt(3) / 2. In each layer the muon loses energy, as if it were minimum ionising; one that stops makes
no track.

References
----------
R. L. Workman et al. (Particle Data Group), Prog. Theor. Exp. Phys. 2022, 083C01, section 34.3. The stations are about
where CMS has its cathode strip chambers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

STATIONS = np.array([6.9, 8.3, 9.4, 10.3])  # m, the z of their middle
FRONT = 0.12  # m, by which a chamber in front is nearer than the middle, and one behind it farther
FIELD, EDGE, WIDTH = 3.8, 6.5, 1.0  # T, m, m: B0, z0 and d
ABSORBERS = (3.0, 6.0)  # m, from where to where the calorimeters and the coil are
# radiation lengths and energy loss (GeV) at normal incidence: calorimeters and coil, and the three discs
LENGTHS = (130.0, 34.0, 34.0, 14.0)
LOSSES = (2.6, 0.8, 0.8, 0.35)
STRIP, ANGLE, SLOPE = 1.5e-3, 2.5e-3, 4e-3  # resolutions: m across a strip, of theta, of the local direction
LEAST_MOMENTUM = 0.3  # GeV, below which a muon has stopped


@dataclass(frozen=True)
class Hits:
    """What the stations measure of tracks that reach all of them.

    Shapes
    ------
    phi, theta, bend (n, 4): azimuth and polar angle (rad), and the direction d phi / d z times z; front (n, 4) whether
    the chamber is in front; survived (m,) which of the muons these are.
    """

    phi: Array
    theta: Array
    bend: Array
    front: NDArray[np.bool_]
    survived: NDArray[np.bool_]


def field_integral(z: Array) -> Array:
    """The integral of B from 0 to z in T m."""
    return FIELD * WIDTH * (np.logaddexp(0, EDGE / WIDTH) - np.logaddexp(0, (EDGE - z) / WIDTH))


def field(z: Array) -> Array:
    """B(z) in T."""
    return FIELD / (1 + np.exp((z - EDGE) / WIDTH))


def scattering_angle(p: Array, lengths: Array) -> Array:
    """theta_0, the width of a projected angle, of momenta in GeV and numbers of radiation lengths."""
    return 0.0136 / p * np.sqrt(lengths) * (1 + 0.038 * np.log(lengths))


def tracks(pt: Array, eta: Array, charge: Array, random: np.random.Generator) -> Hits:
    """The hits of muons from the origin, along phi = 0 at first.

    Parameters
    ----------
    pt, eta, charge : (m,) GeV, positive, and +1 or -1.
    """
    n = len(pt)
    tan, cos = 1 / np.sinh(eta), np.tanh(eta)
    energy = pt * np.cosh(eta)
    alive = np.ones(n, bool)
    front = random.random((n, 4)) < 0.5
    z = STATIONS + np.where(front, -FRONT, FRONT)
    # what scattering has added so far, across the track: a displacement (m) and a direction, in phi and in theta
    shift, slope = np.zeros((2, n)), np.zeros((2, n))
    bent, before = np.zeros(n), np.zeros(n)
    phi, theta, bend = (np.zeros((n, 4)) for _ in range(3))
    for station in range(4):
        start = ABSORBERS[1] if station == 0 else z[:, station - 1]
        if station == 0:
            bent += -0.15 * charge * field_integral(np.full(n, start)) / (energy * cos)
            before = np.full(n, start)
            thickness = ABSORBERS[1] - ABSORBERS[0]
        else:
            thickness = z[:, station] - z[:, station - 1]
        p = np.maximum(energy - LOSSES[station] / (2 * cos), LEAST_MOMENTUM)  # in the middle of the layer
        width = scattering_angle(p, LENGTHS[station] / cos)
        angle, other = random.normal(size=(2, n)), random.normal(size=(2, n))
        path = thickness / cos
        kick = path * width * (angle / 2 + other / np.sqrt(12))
        energy = energy - LOSSES[station] / cos
        alive &= energy > LEAST_MOMENTUM
        energy = np.maximum(energy, LEAST_MOMENTUM)
        if station == 0:
            shift, slope = kick, width * angle
            shift = shift + slope * (z[:, 0] - ABSORBERS[1]) / cos
        else:
            shift = shift + slope * path + kick
            slope = slope + width * angle
        bent += -0.15 * charge * (field_integral(z[:, station]) - field_integral(before)) / (energy * cos)
        before = z[:, station]
        radius = z[:, station] * tan
        phi[:, station] = bent + (shift[0] + STRIP * random.normal(size=n)) / radius
        theta[:, station] = np.arctan2(radius + shift[1] / cos, z[:, station]) + ANGLE * random.normal(size=n)
        turned = -0.15 * charge * field(z[:, station]) / (energy * cos)
        along = turned * z[:, station] + slope[0] / (tan * cos) - shift[0] / radius
        bend[:, station] = along + SLOPE * random.normal(size=n) / tan
    return Hits(phi[alive], theta[alive], bend[alive], front[alive], alive)
