"""With simulator=acts: hits of charged particles of top pairs with pile-up in TrackML's detector, by Pythia and ACTS.

As in TrackML, an event is a top pair at 14 TeV and further inelastic collisions, with a Poisson distribution of their
number whose mean is the option `pileup`; collisions are at points of the beam line with a width of 50 mm along it and
15 micrometres across. Charged particles and photons within |eta| < 4, above 100 MeV, go through ACTS's generic detector
in 2 T by its fast simulation Fatras, see `hepexp.simulation.fatras`; those that decay within a metre, such as
K_S, decay in Pythia.

Hits in the pixel layers are found with 98 %, and smeared by 8 micrometres in azimuth and 12 along the layer, in the
plane of their module; 5 % of all hits are noise, uniform on modules drawn at random. A particle may have two hits in a
layer where modules overlap.

An event takes 0.4 s of processor time and has 10,500 hits on average, of 1,370 particles with three or more; with 200
further collisions, as TrackML has them, 4 s, 89,000 hits and 11,500 such particles.

Limitations: no nuclear interactions, clusters, or merged hits; particles are followed for half a turn, so that those
that curl do not come back; charged hyperons leave no hits before they decay, and the few particles that ACTS gives up
leave none.

References
----------
S. Amrouche et al., arXiv:1904.06778, section 2; C. Bierlich et al., arXiv:2203.11601; X. Ai et al., arXiv:2106.13593.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import awkward as ak
import numpy as np
import pythia8mc
from numpy.typing import NDArray

from hepexp.data.datasets.trackml.generate import BITS, CLASSES, FOUND, NOISE, S_ALONG, S_PHI, VERTEX_WIDTH
from hepexp.data.datasets.trackml.layout import LAYOUT
from hepexp.data.physics import species
from hepexp.data.store.ragged import Ragged, offsets_of
from hepexp.simulation import generic_detector
from hepexp.simulation.block import block_seed, round_to_bits
from hepexp.simulation.generic_detector import FIELD, LEAST_MOMENTUM, Hits, Modules, Particles
from hepexp.simulation.pixel_layers import PIXEL_LAYERS
from hepexp.simulation.pythia import make_pythia, visible

__all__ = ["BLOCK", "CLASSES", "PACKAGES", "make_block", "require", "settings"]

PACKAGES = ("pyacts", "pythia8mc", "awkward")
BLOCK = 50  # events per unit of work; Pythia takes some seconds to begin
MOST_ETA = 4.0
TRACKER = (1000.0, 2900.0)  # mm, radius and half length: what is produced beyond leaves no hits
BEAM_WIDTH = 0.015  # mm
PHOTON = 22
_ENERGY = "Beams:eCM = 14000."
HARD = [_ENERGY, "Top:gg2ttbar = on", "Top:qqbar2ttbar = on"]
PILEUP = [_ENERGY, "SoftQCD:inelastic = on"]


def settings(kind: str, pileup: int) -> list[str]:
    """Pythia's settings of the hard collision and of pile-up, and those of the detector."""
    return [
        *HARD,
        f"pile-up of mean {pileup}: {'; '.join(PILEUP)}",
        f"widths of the beam = {VERTEX_WIDTH} mm along, {BEAM_WIDTH} mm across",
        f"ACTS GenericDetector and Fatras, field = {FIELD} T, pT > {LEAST_MOMENTUM} GeV, |eta| < {MOST_ETA}",
        f"found = {FOUND}, noise = {NOISE}, resolutions = {S_PHI} mm and {S_ALONG} mm",
    ]


def require(classes: Sequence[str]) -> None:
    """Raise ConfigError if ACTS is not installed; says how to install it."""
    generic_detector.require()


def make_block(
    kind: str, seed: int, block: int, n: int, report: Callable[[int], None] = lambda made: None, *, pileup: int
) -> Ragged:
    """The first n events of a block, fully determined by the arguments; see `Generator`.

    Parameters
    ----------
    pileup : mean number of further collisions.
    """
    own_seed = block_seed(seed, 0, block, len(CLASSES))
    from hepexp.simulation.fatras import simulate  # it imports ACTS, which may be missing

    hard = make_pythia(HARD, own_seed)
    soft = make_pythia(PILEUP, 900_000_001 - own_seed) if pileup else None
    detector = generic_detector.generic_detector(PIXEL_LAYERS)
    made: list[Ragged] = []

    def particles(event: int) -> Particles:
        random = np.random.default_rng([own_seed, event])
        further = int(random.poisson(pileup))
        batches = collisions(hard, 1)
        if soft is not None:
            batches += collisions(soft, further)
        return collide(batches, random)

    def take(event: int, hits: Hits) -> None:
        made.append(observe(hits, detector.modules, np.random.default_rng([own_seed, event, 1])))
        report(1)

    simulate(detector, n, own_seed, particles, take)
    return Ragged.concatenate(made)


def collisions(pythia: pythia8mc.Pythia, n: int) -> list[ak.Array]:
    """Batches of n collisions; those that Pythia gives up, which its batches are short of, are made anew."""
    batches: list[ak.Array] = []
    while (lacking := n - sum(map(len, batches))) > 0:
        batches.append(pythia.nextBatch(lacking))
    return [batch for batch in batches if len(batch)]


def collide(batches: Sequence[ak.Array], random: np.random.Generator) -> Particles:
    """The particles of Pythia's collisions, all in one event, each collision at a point of its own."""
    found = []
    for batch in batches:
        stable = visible(batch.prt)
        n = len(stable)
        points = random.normal(size=(n, 3)) * [BEAM_WIDTH, BEAM_WIDTH, VERTEX_WIDTH]
        collision = np.repeat(np.arange(n), ak.to_numpy(ak.num(stable)))
        flat = ak.flatten(stable)
        momentum, origin = (
            np.stack([ak.to_numpy(ak.fill_none(flat[of][name], 0.0)) for name in ("px", "py", "pz")], 1)
            for of in ("p", "vProd")
        )
        pdgid = ak.to_numpy(flat.id)
        found.append((pdgid, species.charge(pdgid), ak.to_numpy(flat.m), origin + points[collision], momentum))
    everything = Particles(*(np.concatenate(columns) for columns in zip(*found, strict=True)))
    pt = np.hypot(*everything.momentum[:, :2].T)
    leaves_hits = (everything.charge != 0) | (everything.pdgid == PHOTON)  # a photon those of its conversion
    x, y, z = everything.origin.T
    inside = (np.hypot(x, y) < TRACKER[0]) & (abs(z) < TRACKER[1])
    forward = abs(everything.momentum[:, 2]) > pt * np.sinh(MOST_ETA)
    kept = leaves_hits & inside & (pt > LEAST_MOMENTUM) & ~forward
    return Particles(*(column[kept] for column in everything))


def observe(hits: Hits, modules: Modules, random: np.random.Generator) -> Ragged:
    """An event as the detector sees it: some hits lost, places smeared, noise added, in random order."""
    found = random.random(len(hits.module)) < FOUND
    module, particle = hits.module[found], hits.particle[found]
    local = modules.local(module, hits.place[found])
    local[:, :2] += random.normal(size=(len(module), 2)) * [S_PHI, S_ALONG]
    n_noise = int(random.poisson(NOISE / (1 - NOISE) * len(module)))
    noisy = random.integers(0, len(modules.layer), n_noise)
    of_noise = np.zeros((n_noise, 3))
    of_noise[:, :2] = random.uniform(-1, 1, (n_noise, 2)) * modules.halves[noisy]
    module, local = np.concatenate([module, noisy]), np.concatenate([local, of_noise])
    distinct, number = np.unique(particle, return_inverse=True)
    px, py, pz = hits.momentum[distinct].T
    pt = np.hypot(px, py)
    nothing = np.zeros(n_noise)
    place = round_to_bits(modules.place(module, local), BITS)
    columns: dict[str, NDArray] = {
        **dict(zip("xyz", place.T, strict=True)),
        "layer": modules.layer[module],
        "particle": np.concatenate([number, len(distinct) + np.arange(n_noise)]),
        "pt": np.concatenate([pt[number], nothing]),
        "eta": np.concatenate([np.arcsinh(pz / pt)[number], nothing]),
    }
    order = random.permutation(len(module))
    columns = {name: columns[name][order].astype(kind) for name, kind in LAYOUT.elements.items()}
    return Ragged(np.zeros(1, np.int8), offsets_of(np.array([len(order)])), columns)
