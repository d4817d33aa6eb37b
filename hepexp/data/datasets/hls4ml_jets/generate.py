"""Simulated jets of gluons, light quarks, W, Z and tops near 1 TeV, by their substructure; `simulation/tev_jets.py`.

Soft drop with beta = 0 and z_cut = 0.1, which is the modified mass drop tagger, grooms the jet before all observables
but zlogz and the multiplicity.

References
----------
J. Duarte et al., arXiv:1804.06913, section 2; E. Coleman et al., arXiv:1709.08705, section 2 and appendix A.
"""

from __future__ import annotations

from collections.abc import Callable

import awkward as ak
import numpy as np
from numpy.typing import NDArray

from hepexp.data.datasets.hls4ml_jets.info import CLASSES, CORRELATORS, FEATURES, LAYOUT
from hepexp.data.physics.jet_clustering import jagged
from hepexp.data.physics.substructure import energy_correlators, soft_drop
from hepexp.data.store.ragged import Ragged
from hepexp.simulation.block import block_seed, first, round_to_bits
from hepexp.simulation.large_r_jets import LargeRJets
from hepexp.simulation.particles import Particles
from hepexp.simulation.tev_jets import jets_of, settings

__all__ = ["BLOCK", "CLASSES", "PACKAGES", "make_block", "settings"]

PACKAGES = ("pythia8mc", "fastjet", "awkward")
BLOCK = 500  # jets per unit of work: about half a minute
Z_CUT = 0.1
MOST_PARTICLES = 10_000
BITS = 12  # significant bits: 2.4e-4, far finer than the detector's resolution, so that columns compress


def make_block(kind: str, seed: int, block: int, n: int, report: Callable[[int], None] = lambda made: None) -> Ragged:
    """The first n jets of a block, fully determined by the arguments; see `Generator`."""
    own_seed = block_seed(seed, CLASSES.index(kind), block, len(CLASSES))
    return first(n, (_stored(kind, *found) for found in jets_of(kind, own_seed, MOST_PARTICLES)), report)


def _stored(kind: str, seen: Particles, jets: LargeRJets) -> Ragged:
    """The jets of one class, in the columns of the data set."""
    n = len(jets.event)
    if n == 0:
        return LAYOUT.empty()
    columns = substructure(jagged(seen.momentum[jets.constituents], np.diff(jets.offsets)))
    return Ragged(
        np.full(n, CLASSES.index(kind), np.int8),
        np.zeros(n + 1, np.int64),
        {},
        {name: round_to_bits(columns[name], BITS).astype(to) for name, to in LAYOUT.extras.items()},
    )


def substructure(constituents: ak.Array) -> dict[str, NDArray[np.float64]]:
    """The observables (n,) of jets.

    Parameters
    ----------
    constituents : momenta (n, var) with the fields E, px, py, pz in GeV, at least one per jet.
    """
    share = constituents.E / ak.sum(constituents.E, axis=1)
    mass, left = soft_drop(constituents, Z_CUT)
    found = dict(zip(CORRELATORS, energy_correlators(left, list(CORRELATORS.values())), strict=True))
    found |= {
        "zlogz": ak.to_numpy(ak.sum(share * np.log(share), axis=1)),
        "mass_mmdt": mass,
        "multiplicity": ak.to_numpy(ak.num(constituents)).astype(np.float64),
    }
    return {name: found[name] for name in FEATURES}
