"""Propagation of electrons and photons through the CMS tracker: bremsstrahlung, conversions, helices in 3.8 T.

The material is modelled as thin layers at the radii of the tracker layers. In a layer of x radiation lengths an
electron keeps a fraction z of its energy, with -ln z drawn from a gamma distribution of shape x / ln 2 (Bethe and
Heitler); the rest is emitted as a single photon along the tangent. A photon converts with probability
1 - exp(-7 x / 9) to a pair, which can radiate in turn.

Between layers a track is a circle in the transverse plane. In polar coordinates, with psi the angle between its
direction and the radius, r sin(psi) + k r^2 / 2 is conserved (k = 0.3 q B / pT), and the azimuth changes by Delta with
tan(Delta / 2) = (r' - r) / (r' + r) tan((psi + psi') / 2). For a track from the origin, sin(phi - phi_0) = -k r / 2.

References
----------
CMS, JINST 3 (2008) S08004: radii of the layers, material against pseudorapidity. PDG, Passage of particles through
matter: pair spectrum in complete screening. H. Bethe and W. Heitler, Proc. R. Soc. A 146 (1934) 83.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hepexp.simulation.particles import FlatColumns

FIELD = 3.8  # T
MATERIAL = (0.5, 0.6)  # radiation lengths at eta = 0, and their increase with eta^2
CURVATURE = 0.299792458 * FIELD  # GeV/m: ratio of pT to the radius of curvature
ECAL_RADIUS = 1.29  # m, the front of the crystals
LIGHT_SPEED = 0.299792458  # m/ns
MIN_ENERGY = 0.02  # GeV: softer photons and electrons are dropped

# beam pipe, 3 pixel layers, 4 of the inner and 6 of the outer barrel, and the tracker's support, in m
LAYERS = np.array([0.03, 0.044, 0.073, 0.102, 0.255, 0.339, 0.418, 0.498, 0.608, 0.692, 0.78, 0.868, 0.965, 1.08, 1.19])

_X = np.linspace(0, 1, 1001)
_PAIR = (_X - 2 / 3 * _X**2 + 4 / 9 * _X**3) * 9 / 7  # integral of 1 - 4/3 x (1 - x)


@dataclass(frozen=True)
class Tracks(FlatColumns):
    """Electrons, positrons and photons at one radius, flat over all events: each attribute (m,).

    Parameters
    ----------
    event : number of the event.
    charge : -1, 0 or 1.
    energy : GeV.
    phi : azimuth of the position, rad.
    psi : angle between the radius and the direction, rad.
    delay : delay relative to a straight path, as a transverse path length, m.
    """

    event: NDArray[np.int64]
    charge: NDArray[np.int64]
    energy: NDArray[np.float64]
    phi: NDArray[np.float64]
    psi: NDArray[np.float64]
    delay: NDArray[np.float64]


def thickness(eta: NDArray[np.float64]) -> NDArray[np.float64]:
    """Material in front of the calorimeter in radiation lengths: 0.5 at eta = 0, 1.4 at |eta| = 1.2."""
    return MATERIAL[0] + MATERIAL[1] * eta**2


def conversion_probability(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probability that a photon converts within x radiation lengths."""
    return 1 - np.exp(-7 / 9 * x)


def propagate(tracks: Tracks, pt: NDArray[np.float64], start: float, end: float) -> Tracks:
    """The tracks (pt in GeV) propagated from radius `start` to `end`, in m; those that curl up before it are lost."""
    k = CURVATURE * tracks.charge / pt
    sine = (start * np.sin(tracks.psi) + k * (start**2 - end**2) / 2) / end
    outside = abs(sine) < 1
    tracks, sine, k = tracks[outside], sine[outside], k[outside]
    psi = np.arcsin(sine)
    turn = 2 * np.arctan((end - start) / (end + start) * np.tan((tracks.psi + psi) / 2))
    chord = np.sqrt((end - start) ** 2 + 4 * start * end * np.sin(turn / 2) ** 2)
    half = (turn + psi - tracks.psi) / 2  # half the angle by which the direction changes
    delay = tracks.delay + chord / np.sinc(half / np.pi) - (end - start)
    return replace(tracks, phi=tracks.phi + turn, psi=psi, delay=delay)


def radiate(tracks: Tracks, x: NDArray[np.float64], random: np.random.Generator) -> Tracks:
    """The tracks after x radiation lengths (m,), together with the photons radiated by electrons."""
    electron = tracks.charge != 0
    kept = np.ones(len(x))
    kept[electron] = np.exp(-random.standard_gamma(x[electron] / np.log(2)))
    photons = replace(tracks, charge=np.zeros_like(tracks.charge), energy=tracks.energy * (1 - kept))
    tracks = replace(tracks, energy=tracks.energy * kept)
    both = Tracks.concatenate([tracks, photons[electron]])
    return both[both.energy > MIN_ENERGY]


def convert(tracks: Tracks, x: NDArray[np.float64], random: np.random.Generator) -> Tracks:
    """The tracks after x radiation lengths (m,), with converted photons replaced by pairs."""
    pair = (tracks.charge == 0) & (random.random(len(x)) < conversion_probability(x))
    share = np.interp(random.random(len(x)), _PAIR, _X)
    one = replace(tracks, charge=np.ones_like(tracks.charge), energy=tracks.energy * share)[pair]
    other = replace(tracks, charge=-np.ones_like(tracks.charge), energy=tracks.energy * (1 - share))[pair]
    return Tracks.concatenate([tracks[~pair], one, other])


def through_tracker(
    charge: NDArray[np.int64], pt: float, eta: NDArray[np.float64], random: np.random.Generator
) -> Tracks:
    """The tracks that reach the calorimeter from single particles produced at the detector's centre at azimuth 0.

    Parameters
    ----------
    charge : (n,) of the particles: 0 for photons.
    pt : their transverse momentum in GeV.
    eta : (n,) pseudorapidity of each particle, which its secondaries share.
    """
    zero = np.zeros(len(eta))
    tracks = Tracks(np.arange(len(eta)), charge, pt * np.cosh(eta), zero, zero, zero)
    layer = thickness(eta) / len(LAYERS)
    radius = 0.0
    for following in LAYERS:
        tracks = propagate(tracks, tracks.energy / np.cosh(eta[tracks.event]), radius, following)
        tracks = convert(tracks, layer[tracks.event], random)
        tracks = radiate(tracks, layer[tracks.event], random)
        radius = following
    return propagate(tracks, tracks.energy / np.cosh(eta[tracks.event]), radius, ECAL_RADIUS)
