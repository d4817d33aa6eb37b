"""Small-R jets of simulated events, the heaviest quark in them, and which particles are near which jets.

Jets and particles are given by their event (m,), ascending, and their pseudorapidity and azimuth (m,).
"""

from __future__ import annotations

from dataclasses import dataclass

import awkward as ak
import fastjet
import numpy as np
from numpy.typing import NDArray

from hepexp.data.physics.jet_clustering import cluster, jagged
from hepexp.data.physics.kinematics import wrapped
from hepexp.simulation.particles import Particles

CHARM, BOTTOM = 4, 5
_BEFORE_HADRONISATION = (71, 79)  # range of the status of partons


@dataclass(frozen=True)
class Directions:
    """Where jets or particles of some events are; all columns (m,)."""

    event: NDArray[np.int64]
    eta: NDArray[np.float64]
    phi: NDArray[np.float64]

    @classmethod
    def of(cls, event: NDArray[np.int64], momentum: NDArray[np.float64]) -> Directions:
        """Those of momenta (m, 3)."""
        px, py, pz = momentum.T
        return cls(event, np.arcsinh(pz / np.hypot(px, py)), np.arctan2(py, px))

    @classmethod
    def of_particles(cls, particles: ak.Array) -> Directions:
        """Those of particles of each event, as in the event record."""
        event = np.repeat(np.arange(len(particles)), ak.to_numpy(ak.num(particles)))
        flat = ak.flatten(particles).p
        return cls.of(event, np.stack([ak.to_numpy(flat[name]) for name in ("px", "py", "pz")], axis=1))


def jets_of(
    particles: Particles, n_events: int, radius: float, least_pt: float, most_eta: float, most: int
) -> tuple[NDArray[np.float64], Directions]:
    """Anti-kT jets in order of falling pT: four-momenta (m, 4) as (E, px, py, pz) in GeV, and their directions.

    Parameters
    ----------
    particles : that are clustered.
    n_events : number of events, including those without particles.
    radius : R.
    least_pt, most_eta : GeV; the largest |eta|.
    most : maximum number of jets of an event, the hardest ones.
    """
    definition = fastjet.JetDefinition(fastjet.antikt_algorithm, radius)
    sequence = cluster(jagged(particles.momentum, np.bincount(particles.event, minlength=n_events)), definition)
    found = sequence.inclusive_jets(least_pt)
    found = found[ak.argsort(-(found.px**2 + found.py**2), axis=1)]
    p4 = np.stack([ak.to_numpy(ak.flatten(found[name])) for name in ("E", "px", "py", "pz")], axis=1)
    event = np.repeat(np.arange(n_events), ak.to_numpy(ak.num(found)))
    central = abs(Directions.of(event, p4[:, 1:]).eta) < most_eta
    p4, event = p4[central], event[central]
    kept = np.arange(len(event)) - np.searchsorted(event, event) < most
    return p4[kept], Directions.of(event[kept], p4[kept, 1:])


def distances(jets: Directions, others: Directions) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
    """Jet, other one, and their distance in (eta, phi), of all pairs in the same event."""
    first, last = (np.searchsorted(jets.event, others.event, side) for side in ("left", "right"))
    n = last - first
    other = np.repeat(np.arange(len(others.event)), n)
    jet = np.arange(len(other)) - np.repeat(np.cumsum(n) - n, n) + first[other]
    return jet, other, np.hypot(jets.eta[jet] - others.eta[other], wrapped(jets.phi[jet] - others.phi[other]))


def nearest(jets: Directions, others: Directions, radius: float) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The nearest jet of each of the others that has one within the radius: jet and other one."""
    jet, other, distance = distances(jets, others)
    order = np.lexsort((distance, other))
    first = order[np.diff(other[order], prepend=-1) > 0]
    first = first[distance[first] < radius]
    return jet[first], other[first]


def flavour(events: ak.Array, jets: Directions, radius: float) -> NDArray[np.int64]:
    """BOTTOM, CHARM or 0 (m,): the heaviest quark before hadronisation within the radius of each jet."""
    particles = events.prt
    status = abs(particles.status)
    low, high = _BEFORE_HADRONISATION
    found = np.zeros(len(jets.event), np.int64)
    for quark in (CHARM, BOTTOM):
        chosen = particles[(abs(particles.id) == quark) & (status >= low) & (status <= high)]
        jet, _, distance = distances(jets, Directions.of_particles(chosen))
        found[jet[distance < radius]] = quark
    return found
