"""Jets of the true particles of events, and those of the particles that were found, next to them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hepexp.simulation.particles import Particles
from hepexp.simulation.small_r_jets import jets_of, nearest

RADIUS, LEAST_PT, LEAST_FOUND, MOST_ETA, MATCH = 0.4, 20.0, 5.0, 2.5, 0.2  # GeV
MOST_JETS = 12  # of an event that count, the hardest ones
Side = tuple[NDArray[np.bool_], NDArray, NDArray, NDArray]


def matched_jets(event: NDArray[np.int64], true: Side, found: Side, n: int) -> NDArray[np.float64]:
    """pT in GeV (n, 12, 2) of each true jet and of the nearest one that is found within 0.2, 0 where there is none.

    Jets are anti-kT, R = 0.4, of massless particles; true ones have pT > 20 GeV, found ones 5 GeV, |eta| < 2.5.

    Parameters
    ----------
    event : (m,) of each element, in rising order.
    true, found : whether an element has a particle, its pT in GeV, eta and phi, (m,).
    n : number of events.
    """
    (p4, where), (other_p4, others) = (
        jets_of(_particles(event, side), n, RADIUS, least, most, 10**6)
        for side, least, most in ((true, LEAST_PT, MOST_ETA), (found, LEAST_FOUND, MOST_ETA + MATCH))
    )
    pt, other_pt = (np.hypot(*each.T[1:3]) for each in (p4, other_p4))
    place = np.arange(len(pt)) - np.searchsorted(where.event, where.event)
    counts = place < MOST_JETS
    matched = np.zeros(len(pt))
    of_found, of_true = nearest(others, where, MATCH)
    matched[of_true] = other_pt[of_found]
    jets = np.zeros((n, MOST_JETS, 2))
    jets[where.event[counts], place[counts]] = np.stack([pt, matched], 1)[counts]
    return jets


def _particles(event: NDArray[np.int64], side: Side) -> Particles:
    there, *columns = side
    pt, eta, phi = (column[there] for column in columns)
    nothing = np.zeros(len(pt))
    return Particles(event[there], pt, eta, phi, nothing, nothing.astype(np.int64), *[nothing] * 4)
