"""Anti-kT jets of R = 0.8 or another radius from the particles that a detector sees, matched to a decay's products."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import awkward as ak
import fastjet
import numpy as np
from numpy.typing import NDArray

from hepexp.data.physics.jet_clustering import cluster, jagged
from hepexp.data.store.ragged import offsets_of
from hepexp.simulation.particles import Particles

RADIUS = 0.8
MAX_ETA = 2.0


@dataclass(frozen=True)
class LargeRJets:
    """Jets, ordered by event.

    Shapes
    ------
    event (n,), the index of the event; momentum (n, 4), (E, px, py, pz) in GeV; constituents (m,), indices of the
    particles; those of jet i are at offsets[i] to offsets[i + 1], in order of decreasing pT.
    """

    event: NDArray[np.int64]
    momentum: NDArray[np.float64]
    constituents: NDArray[np.int64]
    offsets: NDArray[np.int64]


def leading_jets(
    particles: Particles,
    n_events: int,
    pt_window: tuple[float, float],
    ranks: tuple[int, ...],
    products: Sequence[ak.Array] | None = None,
    most: int = 200,
    radius: float = RADIUS,
) -> LargeRJets:
    """The leading jets of each event that lie in the window and contain the products of a decay.

    Parameters
    ----------
    particles : seen by the detector.
    n_events : number of events, including those without particles.
    pt_window : GeV; |eta| is below 2.
    ranks : which jets of an event are considered: (0,) the leading one, (0, 1) the two leading ones.
    products : for each decay that a jet may come from, the momenta (n_events, var) of the decay products, which must
        all lie within the radius around the jet axis, as must their sum; empty for events without the decay. None to
        require nothing.
    most : maximum number of constituents kept per jet.
    radius : of the jets.
    """
    momentum, definition = particles.momentum, fastjet.JetDefinition(fastjet.antikt_algorithm, radius)
    sequence = cluster(jagged(momentum, np.bincount(particles.event, minlength=n_events)), definition)
    jets, inside = sequence.inclusive_jets(pt_window[0]), sequence.constituent_index(pt_window[0])
    order = ak.argsort(-(jets.px**2 + jets.py**2), axis=1)
    jets, inside = jets[order], inside[order]
    size = max(ranks) + 1
    leaders = {k: ak.to_numpy(ak.fill_none(ak.pad_none(jets[k], size, clip=True), 0.0)) for k in ("px", "py", "pz")}
    passed = np.zeros((n_events, size), bool)
    for rank in ranks:
        x, y, z = (leaders[k][:, rank] for k in ("px", "py", "pz"))
        pt, phi = np.hypot(x, y), np.arctan2(y, x)
        eta = np.arcsinh(np.divide(z, pt, out=np.full_like(z, np.inf), where=pt > 0))
        passed[:, rank] = (pt >= pt_window[0]) & (pt <= pt_window[1]) & (abs(eta) < MAX_ETA)
        if products is not None:
            passed[:, rank] &= np.any([_contains(eta, phi, decay, radius) for decay in products], axis=0)
    event, passing = np.nonzero(passed)
    jets, inside = jets[event, passing], inside[event, passing]
    counts = ak.to_numpy(ak.num(inside)) if len(event) else np.zeros(0, np.int64)
    jet = np.repeat(np.arange(len(event)), counts)
    starts = offsets_of(np.bincount(particles.event, minlength=n_events))
    places = starts[event[jet]] + ak.to_numpy(ak.flatten(inside)).astype(np.int64) if len(event) else jet
    places = places[np.lexsort((-particles.pt[places], jet))]
    rank_in_jet = np.arange(len(places)) - offsets_of(counts)[jet]
    return LargeRJets(
        event,
        np.stack([ak.to_numpy(jets[k]) for k in ("E", "px", "py", "pz")], 1) if len(event) else np.zeros((0, 4)),
        places[rank_in_jet < most],
        offsets_of(np.minimum(counts, most)),
    )


def _contains(eta: NDArray[np.float64], phi: NDArray[np.float64], decay: ak.Array, radius: float) -> NDArray[np.bool_]:
    """Whether the products of a decay, and their sum, lie within the radius around the axes (n,)."""
    passed = ak.to_numpy(ak.num(decay)) > 0
    px, py, pz = (decay[name] for name in ("px", "py", "pz"))
    near = _distance2(px, py, pz, eta[:, None], phi[:, None]) < radius**2
    x, y, z = (ak.to_numpy(ak.sum(component, axis=1)) for component in (px, py, pz))
    with np.errstate(invalid="ignore"):  # an event without the decay has no direction
        return passed & ak.to_numpy(ak.all(near, axis=1)) & (_distance2(x, y, z, eta, phi) < radius**2)


def _distance2(px: ak.Array, py: ak.Array, pz: ak.Array, eta: NDArray, phi: NDArray) -> ak.Array:
    """Squared distances in (eta, phi) between momenta and directions."""
    d_phi = (np.arctan2(py, px) - phi + np.pi) % (2 * np.pi) - np.pi
    return d_phi**2 + (np.arcsinh(pz / np.hypot(px, py)) - eta) ** 2
