"""Transforms of particles that change which there are: the hardest ones, and beams before them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hepexp.data.keys import require_at_least, require_at_most
from hepexp.data.store.ragged import ENDS, Ragged, offsets_of
from hepexp.data.transforms.carry import carried, fill_of
from hepexp.data.transforms.four_momenta import psi, with_particles
from hepexp.data.transforms.transform import Transform


class HardestParticles(Transform):
    """The n particles of largest pT in each jet, in their original order.

    Parameters
    ----------
    n : number of particles; None for all.

    Raises
    ------
    ConfigError : n is out of range.
    """

    def __init__(self, n: int | None) -> None:
        require_at_least(1, n_particles=n)
        require_at_most(2**31 - 1, n_particles=n)  # places in an example are counted in 32 bits
        self.n = n

    def __call__(self, jets: Ragged) -> Ragged:
        return jets.largest(self.n, np.hypot(jets["p4"][:, 1], jets["p4"][:, 2]))

    def longest(self, before: int | None) -> int | None:
        return min((n for n in (before, self.n) if n is not None), default=None)


class WithBeams(Transform):
    """Two beam particles before those of each jet: four-momenta (sqrt(2), 0, 0, +-1), scalars (0, psi(1))."""

    def __call__(self, jets: Ragged) -> Ragged:
        n = len(jets)
        beams = np.array([[2**0.5, 0, 0, 1], [2**0.5, 0, 0, -1]])
        beam_scalars = np.array([[0, psi(np.array(1.0))]] * 2, np.float32)
        is_beam = np.zeros(len(jets["p4"]) + 2 * n, bool)
        is_beam[(jets.offsets[:-1] + 2 * np.arange(n))[:, None] + [0, 1]] = True
        p4, scalars = np.empty((len(is_beam), 4)), np.empty((len(is_beam), 2), np.float32)
        p4[~is_beam], scalars[~is_beam] = jets["p4"], jets["scalars"]
        p4[is_beam], scalars[is_beam] = np.tile(beams, (n, 1)), np.tile(beam_scalars, (n, 1))
        others = {}
        for name, column in carried(jets).items():
            others[name] = np.full(len(is_beam), fill_of(column), column.dtype)
            others[name][~is_beam] = column
        edges = None  # beams have none, and those of the particles move with them
        if jets.edges is not None:
            moved = {end: jets.edges[end] + 2 for end in ENDS}
            edges = replace(jets.edges, elements=jets.edges.elements | moved)
        found = replace(jets, offsets=offsets_of(jets.counts + 2), elements=others, edges=edges)
        return with_particles(found, p4, scalars)

    def longest(self, before: int | None) -> int | None:
        return None if before is None else before + 2
