"""A parametrised detector like CMS in Run 1: the response of tracker, ECAL and HCAL to each particle.

Tracks. A charged particle of transverse momentum pT (GeV) moves on a helix in B = 3.8 T and reaches the radius r (m)
at an azimuth shifted by dphi, sin(dphi) = 0.15 B r / pT, towards smaller angles for positive charge. Tracks are found
with the efficiency of CMS, and their pT is measured with its resolution (TRK-11-001); one in 10,000 is given a random
curvature that is too small.

Calorimeters. Photons and electrons deposit all their energy in the ECAL. A hadron crosses the 1.1 nuclear interaction
lengths of the ECAL as a minimum ionising particle, or starts to shower there; the rest is deposited in the HCAL, with
the response of a non-compensating calorimeter (Groom) and gamma-distributed fluctuations.

Material. Photons convert in the tracker with probability 1 - exp(-7/9 x), x = 0.4 to 1.7 radiation lengths depending on
|eta|, and the electron and positron are bent from there. Their tracks are not reconstructed.

Not simulated: bremsstrahlung, nuclear interactions other than through the tracking efficiency, displaced vertices,
cracks, endcap geometry (the barrel's grid extends to |eta| = 3), time.

References
----------
CMS Collaboration, "The CMS experiment at the CERN LHC", JINST 3 (2008) S08004 (geometry, resolutions).
CMS Collaboration, "Description and performance of track and primary-vertex reconstruction", arXiv:1405.6569.
D. Groom, "Energy flow in a hadronic cascade", NIM A 572 (2007) 633, arXiv:physics/0605164.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hepexp.data.physics.species import charge
from hepexp.simulation.particles import FlatColumns

Floats = NDArray[np.float64]

FIELD = 3.8  # T
ECAL_RADIUS, ECAL_LENGTH = 1.29, 3.14  # m: radius of the barrel's face, distance of the endcaps' faces

TRACKER_ETA, TRACK_MIN_PT = 2.5, 0.15  # GeV: below, no tracks are reconstructed
MISMEASURED = 1e-4  # fraction of tracks, so that the largest value in 139,306 images is near 1 TeV, as in the original

# |eta| and corresponding radiation lengths in front of the ECAL, and the radii in m between which photons convert
MATERIAL = ((0.0, 0.9, 1.45, 1.8, 2.5), (0.4, 0.7, 1.7, 1.5, 1.1))
TRACKER_RADII = (0.04, 1.1)

# relative resolutions: stochastic term at 1 GeV, constant term
ECAL_RESOLUTION = (0.028, 0.003)
HADRON_RESOLUTION = (1.10, 0.09)

INTERACTION_LENGTHS = 1.1  # of the ECAL, nuclear
HADRON_TO_ELECTRON, GROOM_POWER = 0.4, 0.82  # h/e, and m of Groom's E^(m - 1)
CALIBRATION_ENERGY = 50.0  # GeV, of the pions that set the HCAL scale; the ECAL scale is set by electrons
EARLY_SHARE = (1.0, 1.5)  # beta distribution of the ECAL fraction of a hadron shower that starts in the ECAL
MIP = (0.25, 2.0)  # GeV deposited by a minimum ionising particle in ECAL and HCAL


@dataclass(frozen=True)
class Particles(FlatColumns):
    """Particles of several events: pt, energy in GeV; eta, phi at the vertex, which lies at z (m) on the beam line."""

    image: NDArray[np.int64]  # index of the image that the particle belongs to
    pt: Floats
    eta: Floats
    phi: Floats
    energy: Floats
    pdgid: NDArray[np.int64]
    z: Floats
    production_radius: Floats  # m: 0, or where its photon converted


@dataclass(frozen=True)
class Observed(FlatColumns):
    """The detector's response to particles.

    pt: measured by the track if there is one, otherwise by the calorimeters; eta, phi: direction at the vertex;
    track_pt: 0 without a track; face_eta, face_phi: impact point on the ECAL; ecal, hcal: deposits before noise.
    Energies are in GeV.
    """

    image: NDArray[np.int64]
    pt: Floats
    eta: Floats
    phi: Floats
    track_pt: Floats
    face_eta: Floats
    face_phi: Floats
    ecal: Floats
    hcal: Floats


def convert(particles: Particles, rng: np.random.Generator) -> Particles:
    """The particles, with photons that convert in the tracker material replaced by an electron and a positron.

    The pair keeps the photon's direction and shares its energy according to a uniform distribution.
    """
    x0 = np.interp(abs(particles.eta), *MATERIAL)
    converted = (particles.pdgid == 22) & (rng.random(len(x0)) > np.exp(-7 / 9 * x0))
    pairs = particles[converted]
    radius = rng.uniform(*TRACKER_RADII, len(pairs.pt))
    share = rng.random(len(radius))
    pairs = replace(pairs, production_radius=radius)
    electron, positron = (
        replace(pairs, pt=part * pairs.pt, energy=part * pairs.energy, pdgid=np.full(len(radius), pdgid))
        for part, pdgid in ((share, 11), (1 - share, -11))
    )
    return Particles.concatenate([particles[~converted], electron, positron])


def to_calorimeter(particles: Particles) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Where particles reach the face of the ECAL, as seen from the detector's centre.

    Returns
    -------
    eta, phi (m,), and whether the particle reaches the ECAL (m,): a charged particle below 0.15 B r = 0.74 GeV curls up
    before the barrel, and either reaches an endcap within half a turn or is lost.
    """
    # half the turning angle per metre of path in the transverse plane, signed: 0.15 B / pT, pT in GeV
    half_turn = 0.15 * FIELD * charge(particles.pdgid) / particles.pt
    slope = np.sinh(particles.eta)  # dz/ds
    slope = np.copysign(np.maximum(abs(slope), 1e-9), slope)
    sine = np.minimum(ECAL_RADIUS * abs(half_turn), 1.0)
    to_barrel = ECAL_RADIUS * np.arcsin(sine) / np.where(sine > 0, sine, 1.0)
    to_barrel = np.where(sine == 0, ECAL_RADIUS, np.where(sine == 1, np.inf, to_barrel))
    to_endcap = (np.copysign(ECAL_LENGTH, slope) - particles.z) / slope
    path = np.minimum(to_barrel, to_endcap)
    shift = path * half_turn
    radius = path * np.sinc(shift / np.pi)
    reached = abs(shift) < np.pi / 2
    # A particle produced at radius r is bent only from there on: by ((R - r) / R)^2 of the shift, if that is small.
    shift = (
        shift * np.maximum(1 - particles.production_radius / np.where(reached & (radius > 0), radius, np.inf), 0) ** 2
    )
    eta = np.arcsinh((particles.z + path * slope) / np.where(reached, radius, 1.0))
    return eta, particles.phi - shift, reached


def find_tracks(particles: Particles, rng: np.random.Generator) -> tuple[NDArray[np.bool_], Floats]:
    """Mask of the particles (m,) whose tracks are found, and their measured pT (m,) in GeV."""
    pt, forward = particles.pt, abs(particles.eta) / TRACKER_ETA
    efficiency = (0.95 - 0.10 * forward**2) * -np.expm1(-((pt / 0.25) ** 2))
    efficiency = np.where(abs(particles.pdgid) == 13, 0.99, efficiency)
    found = (charge(particles.pdgid) != 0) & (particles.production_radius == 0) & (forward < 1) & (pt > TRACK_MIN_PT)
    found &= rng.random(len(pt)) < efficiency
    resolution = (1 + forward**2) * np.hypot(0.008, 1.5e-4 * pt)
    curvature = 1 + resolution * rng.standard_normal(len(pt))
    wrong = rng.random(len(pt)) < MISMEASURED
    curvature[wrong] *= rng.random(int(wrong.sum()))
    return found, pt / np.maximum(curvature, 1e-3)


def hadron_response(energy: Floats | float) -> Floats | float:
    """Mean ratio of visible to true energy (GeV) of a hadron shower, relative to 1 for electrons; Groom, eq. 5."""
    return 1 - (1 - HADRON_TO_ELECTRON) * np.maximum(energy, 1.0) ** (GROOM_POWER - 1)


def calorimeter_energies(particles: Particles, rng: np.random.Generator) -> tuple[Floats, Floats, Floats]:
    """The energy that each particle deposits in the calorimeters if it reaches them, in GeV.

    Returns
    -------
    ECAL and HCAL energies before noise, and the calibrated estimate of the particle's energy, each (m,).
    """
    energy, kind = particles.energy, abs(particles.pdgid)
    electromagnetic, muon = (kind == 22) | (kind == 11), kind == 13
    stochastic = np.where(electromagnetic, ECAL_RESOLUTION[0], HADRON_RESOLUTION[0])
    constant = np.where(electromagnetic, ECAL_RESOLUTION[1], HADRON_RESOLUTION[1])
    shape = 1 / (stochastic**2 / energy + constant**2)
    calibrated = energy * rng.gamma(shape) / shape
    seen = calibrated * hadron_response(energy)
    showers = rng.random(len(energy)) > np.exp(-INTERACTION_LENGTHS)
    early = np.where(showers, seen * rng.beta(*EARLY_SHARE, len(energy)), np.minimum(MIP[0], seen))
    ecal = np.where(electromagnetic, calibrated, np.where(muon, MIP[0], early))
    late = (seen - early) / hadron_response(CALIBRATION_ENERGY)
    hcal = np.where(electromagnetic, 0.0, np.where(muon, MIP[1], late))
    return ecal, hcal, calibrated


def observe(particles: Particles, rng: np.random.Generator) -> Observed:
    """Tracks and calorimeter deposits of particles, ordered by image."""
    particles = convert(particles, rng)
    particles = particles[np.argsort(particles.image, kind="stable")]
    found, track_pt = find_tracks(particles, rng)
    ecal, hcal, calibrated = calorimeter_energies(particles, rng)
    eta, phi, reached = to_calorimeter(particles)
    return Observed(
        image=particles.image,
        pt=np.where(found, track_pt, particles.pt * calibrated / particles.energy),
        eta=particles.eta,
        phi=particles.phi,
        track_pt=np.where(found, track_pt, 0.0),
        face_eta=eta,
        face_phi=phi,
        ecal=np.where(reached, ecal, 0.0),
        hcal=np.where(reached, hcal, 0.0),
    )
