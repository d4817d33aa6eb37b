"""Simulated jets of top pairs as tracks with the vertices that they come from.

Top pairs at 14 TeV with all decays, generated with Pythia 8 with multiparton interactions; anti-kT jets of radius 0.4
of all visible particles with |eta| < 3, with pT > 20 GeV and |eta| < 2.5; of each event the hardest jet of the wanted
flavour, that of the heaviest quark before hadronisation within 0.4 of the jet.

Tracks are the jet's charged particles with pT > 0.5 GeV. Their parameters at the point of closest approach to the beam
follow from where they were produced along straight lines, and are smeared by Gaussians of the widths, pT in GeV,

  d0 : 0.010 mm + 0.080 mm / (pT sin^1/2 theta),
  z0 : 0.030 mm + 0.100 mm / (pT sin^3/2 theta),
  pT : 1 % + 0.02 % pT.

Tracks produced within RESOLVED of each other, directly or by way of others, are of one vertex; the primary vertex, if
a track is of it, is number 0, and the others follow by their distance from it. Particles of which c tau is above 10 mm
do not decay.

Limitations: no material, so that no secondary interactions and no conversions; no pile-up; straight tracks, which is
15 micrometres wrong for a track of 0.5 GeV from 5 mm; all tracks are found.

References
----------
J. Shlomi et al., arXiv:2008.02831, section 4 (which uses Delphes).
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count, pairwise

import awkward as ak
import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import pdist

from hepexp.data.datasets.vertexing.info import CLASSES, FLAVOURS, LAYOUT
from hepexp.data.physics import species
from hepexp.data.physics.kinematics import invariant_mass
from hepexp.data.store.ragged import Ragged, offsets_of
from hepexp.simulation.block import block_seed, first, round_to_bits
from hepexp.simulation.particles import impact_parameters
from hepexp.simulation.pythia import make_pythia, visible, visible_particles
from hepexp.simulation.small_r_jets import Directions, flavour, jets_of, nearest

__all__ = ["BLOCK", "CLASSES", "PACKAGES", "make_block", "settings"]

PACKAGES = ("pythia8mc", "fastjet", "awkward")
BLOCK = 500  # jets per unit of work
EVENTS_AT_ONCE = 100
RADIUS, LEAST_PT, MOST_ETA, MOST_JETS = 0.4, 20.0, 2.5, 50
MAX_ETA = 3.0
LEAST_TRACK_PT = 0.5  # GeV
RESOLVED = 0.1  # mm
BITS = 12


def settings(kind: str) -> list[str]:
    """Pythia's settings, the same for all flavours."""
    return [
        "Beams:eCM = 14000.",
        "Top:gg2ttbar = on",
        "Top:qqbar2ttbar = on",
        "ParticleDecays:limitTau0 = on",
        "ParticleDecays:tau0Max = 10.",
    ]


def make_block(kind: str, seed: int, block: int, n: int, report: Callable[[int], None] = lambda made: None) -> Ragged:
    """The first n jets of a block, fully determined by the arguments; see `Generator`."""
    own_seed = block_seed(seed, CLASSES.index(kind), block, len(CLASSES))
    random, pythia = np.random.default_rng(own_seed), make_pythia(settings(kind), own_seed)
    return first(n, (select(pythia.nextBatch(EVENTS_AT_ONCE), kind, random) for _ in count()), report)


def select(events: ak.Array, kind: str, random: np.random.Generator) -> Ragged:
    """A jet of each event that has one of this flavour, as returned by `pythia8mc.Pythia.nextBatch`."""
    p4, jets = jets_of(visible_particles(events, MAX_ETA), len(events), RADIUS, LEAST_PT, MOST_ETA, MOST_JETS)
    chosen = np.flatnonzero(flavour(events, jets, RADIUS) == FLAVOURS[kind])
    chosen = chosen[np.unique(jets.event[chosen], return_index=True)[1]]
    p4, jets = p4[chosen], Directions(jets.event[chosen], jets.eta[chosen], jets.phi[chosen])
    momentum, vertex, charge, where = _charged(events)
    jet, track = nearest(jets, where, RADIUS)
    order = np.lexsort((-np.hypot(*momentum[track, :2].T), jet))
    jet, track = jet[order], track[order]
    counts = np.bincount(jet, minlength=len(chosen))
    filled = counts > 0
    offsets = offsets_of(counts[filled])
    numbers = [_vertices(vertex[track[a:b]]) for a, b in pairwise(offsets)]
    pt = np.hypot(p4[:, 1], p4[:, 2])
    extras = {"jet_pt": pt, "jet_eta": jets.eta, "jet_phi": jets.phi, "jet_mass": invariant_mass(p4)}
    return Ragged(
        np.full(int(filled.sum()), CLASSES.index(kind), np.int8),
        offsets,
        {
            **_measured(momentum[track], vertex[track], random),
            "charge": charge[track].astype(np.int8),
            "vertex": np.concatenate(numbers).astype(np.int16) if numbers else np.zeros(0, np.int16),
        },
        {name: round_to_bits(extras[name][filled], BITS).astype(np.float32) for name in LAYOUT.extras},
    )


def _charged(events: ak.Array) -> tuple[NDArray, NDArray, NDArray, Directions]:
    """Momenta (m, 3) in GeV, points of production (m, 3) in mm, charges (m,) and directions of charged particles."""
    particles = visible(events.prt)
    flat = ak.flatten(particles)
    event = np.repeat(np.arange(len(particles)), ak.to_numpy(ak.num(particles)))
    momentum, vertex = (
        np.stack([ak.to_numpy(ak.fill_none(vector[name], 0.0)) for name in ("px", "py", "pz")], axis=1)
        for vector in (flat.p, flat.vProd)
    )
    charge = species.charge(ak.to_numpy(flat.id))
    kept = (charge != 0) & (np.hypot(*momentum[:, :2].T) > LEAST_TRACK_PT)
    return momentum[kept], vertex[kept], charge[kept], Directions.of(event[kept], momentum[kept])


def _vertices(points: NDArray[np.float64]) -> NDArray[np.int64]:
    """The number (m,) of the vertex of each track of a jet, by where it was produced (m, 3) in mm."""
    if len(points) == 1:
        group = np.ones(1, np.int64)
    else:
        group = fcluster(linkage(pdist(points), "single"), RESOLVED, "distance")
    distance = np.hypot(np.hypot(points[:, 0], points[:, 1]), points[:, 2])
    nearest_of = {g: distance[group == g].min() for g in np.unique(group)}
    is_primary = min(nearest_of.values()) < RESOLVED
    rank = {g: k + (not is_primary) for k, g in enumerate(sorted(nearest_of, key=lambda g: nearest_of[g]))}
    return np.array([rank[g] for g in group])


def _measured(
    momentum: NDArray[np.float64], vertex: NDArray[np.float64], random: np.random.Generator
) -> dict[str, NDArray[np.float32]]:
    """Smeared d0 and z0 in mm, phi, ctgtheta, and pT in GeV of tracks."""
    px, py, pz = momentum.T
    pt = np.hypot(px, py)
    sine = pt / np.hypot(pt, pz)
    d0, z0 = impact_parameters(vertex, momentum)
    noise = random.standard_normal((3, len(pt)))
    columns = {
        "d0": d0 + noise[0] * (0.010 + 0.080 / (pt * sine**0.5)),
        "z0": z0 + noise[1] * (0.030 + 0.100 / (pt * sine**1.5)),
        "phi": np.arctan2(py, px),
        "ctgtheta": pz / pt,
        "pt": np.maximum(pt * (1 + noise[2] * (0.01 + 2e-4 * pt)), 0.1),
    }
    return {name: round_to_bits(values, BITS).astype(np.float32) for name, values in columns.items()}
