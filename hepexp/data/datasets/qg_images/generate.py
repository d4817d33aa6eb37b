"""Quark and gluon jets as images in a CMS-like detector: tracks, ECAL and HCAL, 125x125 pixels around the jet.

Modelled on the CMS Open Data sample of Andrews et al. (QCDToGGQQ): pp at 8 TeV, Pythia's 2 -> 2 processes with two
gluons, or two of the quarks d, u, s, in the final state, pT-hat 80-170 GeV. Anti-kT jets of R = 0.5 are clustered from
measured particles, as in CMS's Run 1 reconstruction (ak5PFJets); the leading jet is selected if it lies within 0.4 of
one of the two partons and has pT 90-170 GeV, |eta| < 1.57. Quark jets, which have the harder pT spectrum, are thinned
out to match that of gluon jets, so that pT alone hardly discriminates.

The images are those of `jet_images`, in units of 100 GeV, as in the original.

In these units the original's means per pixel, 7.8e-5, 5.0e-5 and 3.1e-5, correspond to 122, 78 and 48 GeV per image,
more than the energy of a 100 GeV jet: they include the pile-up of 2012, and so does this simulation. Minimum-bias
events are drawn from a pool for each block and randomly rotated and reflected, so that a few hundred are enough.

The means per pixel are those of the original. Its largest values, 10.1, 9.3 and 0.36, are not reached in a small
sample: they are single pixels, a track of 1 TeV, a crystal of 930 GeV and an HCAL tower of 900 GeV, next to jets of
100 GeV. Others report 10.0, 12.7 and 0.13 for these files, and a crystal of -22 GeV, so these are outliers of the
reconstruction rather than a sign of other units. Here the largest values in 3,600 images are 1.5, 1.1 and 0.04. In
139,306 images, the number of tracks with wrong curvature (MISMEASURED in `cms_detector`) above x is about 17 / x, so
that the median of the largest value is 24, and one sample in five stays below 10; the tails of the calorimeters, power
laws of index 3.5 to 5, end near 3 and 0.1. Calorimeter outliers are not simulated.

Limitations: see `cms_detector` for the detector; the jet's pT and mass exclude pile-up; Pythia 8 with its default tune
instead of Pythia 6 with Z2*; no diffractive and no out-of-time pile-up. Boosted trees on radial sums and counts of
4,000 images reach an AUC of 0.81 +- 0.01, so this sample is somewhat easier than the original.

References
----------
M. Andrews et al., "End-to-end jet classification of quarks and gluons with the CMS Open Data", arXiv:1902.08276.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import count

import awkward as ak
import fastjet
import numpy as np

from hepexp.data.datasets.qg_images.cms_detector import Floats, Observed, Particles, observe
from hepexp.data.datasets.qg_images.info import LAYOUT
from hepexp.data.datasets.qg_images.jet_images import make_images, wrap
from hepexp.data.physics.jet_clustering import cluster, jagged
from hepexp.data.store.images import from_dense
from hepexp.data.store.ragged import Ragged, offsets_of
from hepexp.simulation.block import block_seed, first, round_to_bits
from hepexp.simulation.pythia import HARD_PRODUCT, make_pythia, visible

CLASSES = ("gluon", "quark")  # in the order of the labels
PACKAGES = ("pythia8mc", "fastjet", "awkward")
BLOCK = 600  # images per unit of work: 12 s, a tenth of it for the pile-up

PROCESSES = {
    "gluon": ("HardQCD:gg2gg = on", "HardQCD:qqbar2gg = on"),
    "quark": ("HardQCD:gg2qqbar = on", "HardQCD:qq2qq = on", "HardQCD:qqbar2qqbarNew = on", "HardQCD:nQuarkNew = 3"),
}
HARD_PT = (80.0, 170.0)  # GeV
BEAMS = "Beams:eCM = 8000."

JET_RADIUS, JET_PT, JET_MAX_ETA = 0.5, (90.0, 170.0), 1.57  # pT in GeV
MATCH = 0.4  # maximum distance between the jet and its parton
# Jets are kept with probability (90 GeV / pT)^THINNING; for quarks, the ratio of spectra fitted to 6,000 jets of each.
THINNING = {"gluon": 0.0, "quark": 0.4}

PILE_UP = 16.0  # mean number of additional non-diffractive collisions, which corresponds to about 22 inelastic ones
POOL = 500  # minimum-bias events per block
BEAM_SPOT = 0.05  # m, standard deviation of a collision's position along the beam
MAX_ETA = 3.2  # of the particles simulated

UNIT = 100.0  # GeV in one unit of a pixel's value
EVENTS_AT_ONCE = 50
BITS = 11  # significant bits of a pixel's value: one part in 2048

_DEFINITION = fastjet.JetDefinition(fastjet.antikt_algorithm, JET_RADIUS)


def settings(kind: str) -> list[str]:
    """Pythia's settings for jets of one class."""
    limits = [f"PhaseSpace:pTHatMin = {HARD_PT[0]}", f"PhaseSpace:pTHatMax = {HARD_PT[1]}"]
    return [BEAMS, *PROCESSES[kind], *limits]


def make_block(kind: str, seed: int, block: int, n: int, report: Callable[[int], None] = lambda made: None) -> Ragged:
    """The first n images of a block; see `Generator`."""
    # the last one is for the pile-up, which is the same for both classes, as it must not help to tell them apart
    labels = len(CLASSES) + 1
    number = block_seed(seed, CLASSES.index(kind), block, labels)
    rng = np.random.default_rng(number)
    pythia = make_pythia(settings(kind), number)
    pool = PileUp(block_seed(seed, len(CLASSES), block, labels))
    return first(n, (_images(kind, pythia.nextBatch(EVENTS_AT_ONCE), pool, rng) for _ in count()), report)


class PileUp:
    """A pool of minimum-bias events as observed by the detector, to be overlaid on hard events."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        events = make_pythia([BEAMS, "SoftQCD:nonDiffractive = on"], seed).nextBatch(POOL)
        self.observed = observe(at_vertices(events, rng.normal(0, BEAM_SPOT, POOL)), rng)
        self.offsets = offsets_of(np.bincount(self.observed.image, minlength=POOL))

    def sample(self, n: int, rng: np.random.Generator) -> Observed:
        """Detector response to the pile-up of n events."""
        image = np.repeat(np.arange(n), rng.poisson(PILE_UP, n))
        event = rng.integers(POOL, size=len(image))
        counts = np.diff(self.offsets)[event]
        inner = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        observed = self.observed[np.repeat(self.offsets[event], counts) + inner]
        turn = np.repeat(rng.uniform(0, 2 * np.pi, len(image)), counts)
        side = np.repeat(rng.choice([-1.0, 1.0], len(image)), counts)
        return replace(
            observed,
            image=np.repeat(image, counts),
            eta=side * observed.eta,
            face_eta=side * observed.face_eta,
            phi=observed.phi + turn,
            face_phi=observed.face_phi + turn,
        )


def at_vertices(events: ak.Array, z: Floats) -> Particles:
    """The visible particles of events with vertices at these positions z (events,) in m."""
    particles = visible(events.prt)
    image = np.repeat(np.arange(len(particles)), ak.to_numpy(ak.num(particles)))
    px, py, pz, e = (ak.to_numpy(ak.flatten(particles.p[name])) for name in ("px", "py", "pz", "e"))
    pt = np.hypot(px, py)
    eta = np.arcsinh(pz / pt)
    pdgid = ak.to_numpy(ak.flatten(particles.id)).astype(np.int64)
    return Particles(image, pt, eta, np.arctan2(py, px), e, pdgid, z[image], np.zeros(len(pt)))[abs(eta) < MAX_ETA]


def _images(kind: str, events: ak.Array, pool: PileUp, rng: np.random.Generator) -> Ragged:
    """Images of the events that pass the selection."""
    hard = events.prt[events.prt.status == HARD_PRODUCT]
    right = ak.to_numpy(ak.all((hard.id == 21) if kind == "gluon" else (abs(hard.id) <= 3), axis=1))
    observed = observe(at_vertices(events, rng.normal(0, BEAM_SPOT, len(right))), rng)
    pt, eta, phi, mass = leading_jets(observed, len(right))
    px, py, pz = (ak.to_numpy(hard.p[name]) for name in ("px", "py", "pz"))
    parton_eta, parton_phi = np.arcsinh(pz / np.hypot(px, py)), np.arctan2(py, px)
    far = np.hypot(parton_eta - eta[:, None], wrap(parton_phi - phi[:, None])).min(axis=1)
    passed = right & (pt >= JET_PT[0]) & (pt <= JET_PT[1]) & (abs(eta) < JET_MAX_ETA) & (far < MATCH)
    passed &= rng.random(len(pt)) < (JET_PT[0] / pt) ** THINNING[kind]
    n = int(passed.sum())
    if n == 0:
        return LAYOUT.empty()
    observed = observed[passed[observed.image]]
    observed = replace(observed, image=(np.cumsum(passed) - 1)[observed.image])
    observed = Observed.concatenate([observed, pool.sample(n, rng)])
    pixels = round_to_bits(make_images(observed, eta[passed], phi[passed], rng) / UNIT, BITS)
    return from_dense(np.full(n, CLASSES.index(kind)), pixels, pt=pt[passed], m0=mass[passed])


def leading_jets(observed: Observed, n: int) -> tuple[Floats, Floats, Floats, Floats]:
    """pT, eta, phi and mass (n,) of the hardest jet of each of n events; NaN if none reaches 90 GeV."""
    px, py = observed.pt * np.cos(observed.phi), observed.pt * np.sin(observed.phi)
    pz, e = observed.pt * np.sinh(observed.eta), observed.pt * np.cosh(observed.eta)
    momenta = jagged(np.stack([e, px, py, pz], 1), np.bincount(observed.image, minlength=n))
    jets = cluster(momenta, _DEFINITION).inclusive_jets(min_pt=JET_PT[0])
    first = ak.argmax(jets.px**2 + jets.py**2, axis=1, keepdims=True)
    px, py, pz, e = (
        ak.to_numpy(ak.fill_none(ak.firsts(jets[name][first]), np.nan)) for name in ("px", "py", "pz", "E")
    )
    pt = np.hypot(px, py)
    mass = np.sqrt(np.maximum(e**2 - pt**2 - pz**2, 0))
    return pt, np.arcsinh(pz / pt), np.arctan2(py, px), mass
