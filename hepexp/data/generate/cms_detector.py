"""A detector like CMS in Run 1, reduced to formulas: what tracker, ECAL and HCAL see of each particle.

Tracks. A charged particle of transverse momentum pT (GeV) moves on a helix in B = 3.8 T and reaches the radius r (m)
at an azimuth that is shifted by dphi, sin(dphi) = 0.15 B r / pT, to smaller angles for positive charge. Tracks are
found with the efficiency, and their pT is measured with the resolution, of CMS (TRK-11-001); one of 10,000 gets an
arbitrary, too small curvature.

Calorimeters. Photons and electrons leave all their energy in the ECAL. A hadron passes the 1.1 nuclear interaction
lengths of the ECAL as a minimum ionising particle, or starts to shower there; the rest goes to the HCAL, with the
response of a non-compensating calorimeter (Groom) and gamma-distributed fluctuations.

Material. Photons convert in the tracker with 1 - exp(-7/9 x), x = 0.4 to 1.7 radiation lengths by |eta|, and the two
electrons are bent from there. Their tracks are not looked for.

What it is not: no bremsstrahlung, no nuclear interactions but in the tracks' efficiency, no displaced vertices, no
cracks, no endcap geometry (the barrel's grid goes on to |eta| = 3), no time.

References
----------
CMS Collaboration, "The CMS experiment at the CERN LHC", JINST 3 (2008) S08004 (geometry, resolutions).
CMS Collaboration, "Description and performance of track and primary-vertex reconstruction", arXiv:1405.6569.
D. Groom, "Energy flow in a hadronic cascade", NIM A 572 (2007) 633, arXiv:physics/0605164.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from hepexp.data.species import charge

Floats = NDArray[np.float64]

FIELD = 3.8  # T
ECAL_RADIUS, ECAL_LENGTH = 1.29, 3.14  # m: radius of the barrel's face, distance of the endcaps' faces

TRACKER_ETA, TRACK_MIN_PT = 2.5, 0.15  # GeV: below, no track is looked for
MISMEASURED = 1e-4  # of the tracks, so that the largest of 139,306 images is near 1 TeV, as in the original

# Radiation lengths in front of the ECAL, at these |eta|, and the radii in m between which photons convert
MATERIAL = ((0.0, 0.9, 1.45, 1.8, 2.5), (0.4, 0.7, 1.7, 1.5, 1.1))
TRACKER_RADII = (0.04, 1.1)

# relative resolutions: stochastic term at 1 GeV, constant term
ECAL_RESOLUTION = (0.028, 0.003)
HADRON_RESOLUTION = (1.10, 0.09)

INTERACTION_LENGTHS = 1.1  # of the ECAL, nuclear
HADRON_TO_ELECTRON, GROOM_POWER = 0.4, 0.82  # h/e, and m of Groom's E^(m - 1)
CALIBRATION_ENERGY = 50.0  # GeV: pions that set the scale of the HCAL; that of the ECAL is set by electrons
EARLY_SHARE = (1.0, 1.5)  # of a shower that starts in the ECAL: its share there has this beta distribution
MIP = (0.25, 2.0)  # GeV that a minimum ionising particle leaves in ECAL and HCAL


class Columns:
    """Base of data classes that hold flat columns (m,), one entry a particle."""

    def take(self, chosen: NDArray) -> Self:
        """Those at these positions or of this mask."""
        return type(self)(*(getattr(self, field.name)[chosen] for field in fields(self)))

    @classmethod
    def concatenate(cls, *parts: Self) -> Self:
        """All of them, one after the other."""
        return cls(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(cls)))


@dataclass
class Particles(Columns):
    """Particles of some events: pt, energy in GeV; eta, phi at the vertex, which lies at z (m) on the beam line."""

    image: NDArray[np.int64]  # whose particle it is
    pt: Floats
    eta: Floats
    phi: Floats
    energy: Floats
    pdgid: NDArray[np.int64]
    z: Floats
    start: Floats  # m, radius at which it came into being: 0, or that of the conversion of its photon


@dataclass
class Observed(Columns):
    """What the detector makes of particles.

    pt: measured by the track or else by the calorimeters; eta, phi: direction at the vertex; track_pt: 0 without a
    track; face_eta, face_phi: where it meets the ECAL; ecal, hcal: its deposits there before noise. Energies in GeV.
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
    """The particles, with those photons that convert in the tracker's material replaced by an electron and a positron.

    The pair flies on in the photon's direction and shares its energy evenly distributed.
    """
    x0 = np.interp(abs(particles.eta), *MATERIAL)
    converted = (particles.pdgid == 22) & (rng.random(len(x0)) > np.exp(-7 / 9 * x0))
    pairs = particles.take(converted)
    start = rng.uniform(*TRACKER_RADII, len(pairs.pt))
    share = rng.random(len(start))
    electron, positron = (
        replace(pairs, pt=part * pairs.pt, energy=part * pairs.energy, pdgid=np.full(len(start), pdgid), start=start)
        for part, pdgid in ((share, 11), (1 - share, -11))
    )
    return Particles.concatenate(particles.take(~converted), electron, positron)


def to_calorimeter(particles: Particles) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Where particles meet the face of the ECAL, seen from the detector's centre.

    Returns
    -------
    eta, phi (m,), and whether the particle gets there (m,): a charged one below 0.15 B r = 0.74 GeV turns back before
    the barrel, and reaches an endcap within half a turn or not at all.
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
    # Born at radius r, a particle is bent on the rest of its way only: ((R - r) / R)^2 of the shift, while it is small.
    shift = shift * np.maximum(1 - particles.start / np.where(reached & (radius > 0), radius, np.inf), 0) ** 2
    eta = np.arcsinh((particles.z + path * slope) / np.where(reached, radius, 1.0))
    return eta, particles.phi - shift, reached


def find_tracks(particles: Particles, rng: np.random.Generator) -> tuple[NDArray[np.bool_], Floats]:
    """Which particles (m,) are found as tracks, and their measured pT (m,) in GeV."""
    pt, forward = particles.pt, abs(particles.eta) / TRACKER_ETA
    efficiency = (0.95 - 0.10 * forward**2) * -np.expm1(-((pt / 0.25) ** 2))
    efficiency = np.where(abs(particles.pdgid) == 13, 0.99, efficiency)
    found = (charge(particles.pdgid) != 0) & (particles.start == 0) & (forward < 1) & (pt > TRACK_MIN_PT)
    found &= rng.random(len(pt)) < efficiency
    resolution = (1 + forward**2) * np.hypot(0.008, 1.5e-4 * pt)
    curvature = 1 + resolution * rng.standard_normal(len(pt))
    wrong = rng.random(len(pt)) < MISMEASURED
    curvature[wrong] *= rng.random(int(wrong.sum()))
    return found, pt / np.maximum(curvature, 1e-3)


def hadron_response(energy: Floats | float) -> Floats | float:
    """Mean visible over true energy (GeV) of a hadron's shower, where it is 1 for electrons; Groom, eq. 5."""
    return 1 - (1 - HADRON_TO_ELECTRON) * np.maximum(energy, 1.0) ** (GROOM_POWER - 1)


def calorimeter_energies(particles: Particles, rng: np.random.Generator) -> tuple[Floats, Floats, Floats]:
    """What each particle leaves in the calorimeters if it reaches them, in GeV.

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
    particles = particles.take(np.argsort(particles.image, kind="stable"))
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
