"""Simulated top pairs with pile-up, as tracks and calorimeter towers, and the particles that left them.

Top pairs at 14 TeV with all decays, and a number of inelastic non-diffractive collisions that is uniform from 0 to 20,
all generated with Pythia 8 with multiparton interactions. A cylinder of radius 1.29 m and half length 3.0 m in 3.8 T;
tracks by Delphes' CMS card, |eta| < 2.5. Photons and electrons leave all their energy in one cell of the ECAL (0.0174 x
1 degree, |eta| < 2.99), hadrons in one of the HCAL (0.087 x 5 degrees, larger ones from |eta| = 1.653 to 3.125); muons
leave none. The energy of a cell is smeared by sigma(E), in the HCAL sqrt(0.05^2 E^2 + 1.5^2 E), in the barrel of the
ECAL (1 + 0.64 eta^2) sqrt(0.008^2 E^2 + 0.11^2 E + 0.40^2), E in GeV, and read out if it is above 2 sigma.

Every track and every cell that is read out, a tower, is an element, and has at most one particle as its target. That of
a track is its particle; that of a tower is the sum of the particles in it that have no track, a photon in the ECAL, a
neutral hadron in the HCAL if it has 9 GeV or more. Charged particles without a track thus count as neutral.

Edges keep what each particle left in each tower: from the tower (source) to the element that stands for the particle
(target), its track or the tower itself, with the particle's energy in GeV, class and direction.

Limitations: no showers across cells, no decays in flight, no material, no muon chambers; all collisions are at one
point; a charged particle that curls up reaches an end of the cylinder.

References
----------
J. Pata et al., arXiv:2101.08578, section 3; Delphes, arXiv:1307.6346.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import NamedTuple

import numpy as np
import pythia8mc
from numpy.typing import NDArray

from hepexp.data.datasets.particle_flow import info
from hepexp.data.datasets.particle_flow.info import CLASSES, LAYOUT, TOWER, TRACK
from hepexp.data.physics.kinematics import wrapped
from hepexp.data.store.ragged import Ragged, offsets_of
from hepexp.simulation import particles as kinds
from hepexp.simulation.block import block_seed, first, round_to_bits, round_to_step
from hepexp.simulation.cms_card import CMS
from hepexp.simulation.detector import MAX_ETA
from hepexp.simulation.particles import Particles
from hepexp.simulation.propagation import Cylinder
from hepexp.simulation.pythia import make_pythia, visible_particles
from hepexp.simulation.tracker import smear

__all__ = ["BLOCK", "CLASSES", "PACKAGES", "make_block", "settings"]

PACKAGES = ("pythia8mc", "awkward")
BLOCK = 50  # events per unit of work
EVENTS_AT_ONCE = 10
MOST_PILEUP = 20
LEAST_NEUTRAL, SIGNIFICANCE = 9.0, 2.0  # GeV, standard deviations
PROPAGATION = Cylinder(field=3.8, radius=1.29, half_length=3.0)
BITS = 11  # significant bits of momenta; angles to 2^-11: finer than the resolution, so that columns compress
_PID = {
    kinds.CHARGED_HADRON: info.CHARGED_HADRON,
    kinds.NEUTRAL_HADRON: info.NEUTRAL_HADRON,
    kinds.PHOTON: info.PHOTON,
    kinds.ELECTRON: info.ELECTRON,
    kinds.MUON: info.MUON,
}
_ENERGY = "Beams:eCM = 14000."
HARD = [_ENERGY, "Top:gg2ttbar = on", "Top:qqbar2ttbar = on"]
PILEUP = [_ENERGY, "SoftQCD:nonDiffractive = on"]
_PID_OF = np.array([_PID[kind] for kind in range(len(_PID))])
Columns = dict[str, NDArray]


class Deposits(NamedTuple):
    """What particles left in towers, (k,) each: index of the particle and of the tower."""

    particle: NDArray[np.int64]
    tower: NDArray[np.int64]


def settings(kind: str) -> list[str]:
    """Pythia's settings of the hard collision, and of pile-up."""
    return [*HARD, f"pile-up 0 to {MOST_PILEUP}: {'; '.join(PILEUP)}"]


def make_block(kind: str, seed: int, block: int, n: int, report: Callable[[int], None] = lambda made: None) -> Ragged:
    """The first n events of a block, fully determined by the arguments; see `Generator`."""
    own_seed = block_seed(seed, CLASSES.index(kind), block, len(CLASSES))
    random = np.random.default_rng(own_seed)
    hard, soft = make_pythia(HARD, own_seed), make_pythia(PILEUP, 900_000_001 - own_seed)
    return first(n, (_events(hard, soft, random) for _ in count()), report)


def _events(hard: pythia8mc.Pythia, soft: pythia8mc.Pythia, random: np.random.Generator) -> Ragged:
    collisions = random.integers(0, MOST_PILEUP + 1, EVENTS_AT_ONCE)
    parts = [visible_particles(hard.nextBatch(EVENTS_AT_ONCE), MAX_ETA)]
    if total := int(collisions.sum()):
        added = visible_particles(soft.nextBatch(total), MAX_ETA)
        event = np.repeat(np.arange(EVENTS_AT_ONCE), collisions)[added.event]
        parts.append(replace(added, event=event))
    return observe(Particles.by_event(parts), collisions, random)


def observe(particles: Particles, pileup: NDArray[np.int64], random: np.random.Generator) -> Ragged:
    """Events as the detector sees them; those without any element are left out.

    Parameters
    ----------
    particles : all particles of the events.
    pileup : (n,) number of further collisions in each event.
    """
    eta_out, phi_out, arrives = PROPAGATION.arrive(particles)
    found, tracks, _ = CMS.tracker.find(particles, eta_out, random)
    elements = [_of_tracks(particles[found], tracks, eta_out[found], wrapped(phi_out[found]))]
    deposits, n = [], int(found.sum())
    for place in range(len(CMS.calorimeters)):
        towers, own = _towers(place, particles, (eta_out, phi_out, arrives), found, random)
        elements.append(towers)
        deposits.append(Deposits(own.particle, own.tower + n))
        n += len(towers["event"])
    columns = {name: np.concatenate([part[name] for part in elements]) for name in elements[0]}
    particle, tower = (np.concatenate(parts) for parts in zip(*deposits, strict=True))
    track = np.cumsum(found) - 1
    stands = np.where(found[particle], track[particle], tower)
    return _as_examples(columns, particles[particle], tower, stands, pileup)


def _of_tracks(true: Particles, measured: Particles, eta_out: NDArray, phi_out: NDArray) -> Columns:
    nothing = np.zeros(len(true))
    return {
        "event": true.event,
        "kind": np.full(len(true), TRACK),
        "pt": measured.pt,
        "eta": measured.eta,
        "phi": measured.phi,
        "energy": measured.pt * np.cosh(measured.eta),
        "em": nothing,
        "had": nothing,
        "eta_out": eta_out,
        "phi_out": phi_out,
        "charge": np.sign(true.charge),
        "target_pid": _PID_OF[true.kind],
        "target_charge": np.sign(true.charge),
        "target_pt": true.pt,
        "target_eta": true.eta,
        "target_phi": true.phi,
        "target_energy": true.energy,
    }


def _towers(
    place: int,
    particles: Particles,
    arrival: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]],
    found: NDArray[np.bool_],
    random: np.random.Generator,
) -> tuple[Columns, Deposits]:
    """The towers of one calorimeter, and which particles are in them.

    Parameters
    ----------
    place : of the calorimeter in the card, 0 for the ECAL and 1 for the HCAL.
    arrival : pseudorapidity, azimuth and whether it arrives, of each particle.
    found : particles with a track.
    """
    calorimeter = CMS.calorimeters[place]
    layer, (eta_out, phi_out, arrives) = calorimeter.layers[0], arrival
    stopped = np.flatnonzero(arrives & np.isin(particles.kind, layer.stops))
    inside, cell, event, ring, column = calorimeter.cells(particles.event[stopped], eta_out[stopped], phi_out[stopped])
    stopped, cell = stopped[inside], cell[inside]
    eta = (calorimeter.eta_edges[ring] + calorimeter.eta_edges[ring + 1]) / 2
    phi = wrapped((column + 0.5) * 2 * np.pi / calorimeter.phi_cells[ring])
    total = np.asarray(np.bincount(cell, particles.energy[stopped], len(event)), np.float64)
    energy = smear(total, layer.resolution(total, eta), random)
    read = energy > SIGNIFICANCE * layer.resolution(energy, eta)
    trackless = np.zeros((len(event), 4))
    np.add.at(trackless, cell[~found[stopped]], particles[stopped[~found[stopped]]].momentum)
    trackless[(trackless[:, 0] < LEAST_NEUTRAL) & (layer.neutral == kinds.NEUTRAL_HADRON)] = 0
    e, px, py, pz = trackless[read].T
    pt, there = np.hypot(px, py), e > 0
    event, eta, phi, energy = event[read], eta[read], phi[read], energy[read]
    nothing = np.zeros(len(event))
    is_em = layer.neutral == kinds.PHOTON
    columns = {
        "event": event,
        "kind": np.full(len(event), TOWER),
        "pt": energy / np.cosh(eta),
        "eta": eta,
        "phi": phi,
        "energy": energy,
        "em": energy if is_em else nothing,
        "had": nothing if is_em else energy,
        "eta_out": nothing,
        "phi_out": nothing,
        "charge": nothing,
        "target_pid": np.where(there, _PID_OF[layer.neutral], info.NONE),
        "target_charge": nothing,
        "target_pt": pt,
        "target_eta": np.arcsinh(pz / np.where(pt > 0, pt, 1)),
        "target_phi": np.arctan2(py, px),
        "target_energy": e,
    }
    kept = read[cell]
    return columns, Deposits(stopped[kept], (np.cumsum(read) - 1)[cell[kept]])


def _as_examples(
    columns: Columns,
    left: Particles,
    tower: NDArray[np.int64],
    stands: NDArray[np.int64],
    pileup: NDArray[np.int64],
) -> Ragged:
    """Elements in order of falling pT, and the edges of the particles `left` in towers."""
    event = columns["event"]
    order = np.lexsort((-columns["pt"], event))
    counts = np.bincount(event, minlength=len(pileup))
    place = np.empty(len(order), np.int64)
    place[order] = np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)
    by_event = np.lexsort((place[tower], left.event))
    edges = {
        "source": place[tower],
        "target": place[stands],
        "energy": round_to_bits(left.energy, BITS),
        "pid": _PID_OF[left.kind],
        "eta": round_to_step(left.eta, BITS),
        "phi": round_to_step(left.phi, BITS),
    }
    filled = np.flatnonzero(counts)
    rounded: Columns = {
        name: _rounded(name, columns[name])[order].astype(kind) for name, kind in LAYOUT.elements.items()
    }
    n_edges = np.bincount(left.event, minlength=len(pileup))
    of_edges: Columns = {name: edges[name][by_event].astype(kind) for name, kind in LAYOUT.edges.items()}
    nothing = np.zeros(len(pileup), np.int8)
    made = Ragged(nothing, offsets_of(counts), rounded, {"pileup": pileup.astype(np.int16)})
    made.edges = Ragged(nothing, offsets_of(n_edges), of_edges)
    return made.take(filled)


def _rounded(name: str, values: NDArray) -> NDArray:
    if name in info.INTEGERS:
        return values
    return (round_to_step if name.split("_")[-1] in ("eta", "phi", "out") else round_to_bits)(values, BITS)
