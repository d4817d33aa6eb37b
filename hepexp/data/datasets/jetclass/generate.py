"""Simulated jets like those of JetClass: QCD jets and nine decay modes of Higgs, Z, W and top, with tracks.

The resonances are produced by the original processes as far as Pythia 8 has them, at 13 TeV with multiparton
interactions: H from ZH, Z from ZZ, W from WZ, with the other Z decaying to neutrinos; tops from pairs; QCD jets from
Z + jet with Z -> nu nu. The detector is a simplified version of Delphes' CMS card (`simulation/detector.py`,
`simulation/cms_card.py`). Jets are anti-kT, R = 0.8, 500 < pT < 1000 GeV, |eta| < 2, and one of the two leading jets
(QCD: the leading one). The quarks, gluons and charged leptons (e, mu) of the decay must lie within 0.8 of the jet axis.
Up to 128 constituents, the hardest, are kept.

Limitations: leading-order matrix elements without MadGraph's full spin correlations between production and decay;
H -> 4 quarks and H -> l nu q q through W W* only; no pile-up; impact parameters of straight lines, with a resolution
fitted to the errors of 100 published JetClass-II jets (`cms_card.py` there).

References
----------
Qu, Li, Qian, arXiv:2202.03772, section 3; Zenodo record 6619768.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import awkward as ak
import numpy as np

from hepexp.data.datasets.jetclass.info import LAYOUT
from hepexp.data.datasets.jetclass.processes import CLASSES, RECIPES, DecayVeto, settings
from hepexp.data.physics.jet_clustering import jagged
from hepexp.data.physics.substructure import soft_drop_mass, subjettiness
from hepexp.data.store.ragged import Ragged
from hepexp.simulation.block import block_seed, first, round_to_bits
from hepexp.simulation.cms_card import CMS, impact_parameter_resolution
from hepexp.simulation.detector import MAX_ETA
from hepexp.simulation.large_r_jets import RADIUS, LargeRJets, leading_jets
from hepexp.simulation.particles import Particles
from hepexp.simulation.pythia import decay_products, make_pythia, visible_particles

__all__ = ["BLOCK", "CLASSES", "PACKAGES", "make_block", "settings"]

PACKAGES = ("pythia8mc", "fastjet", "awkward")
BLOCK = 200  # jets per unit of work: 4 to 10 s
JET_PT = (500.0, 1000.0)  # GeV
MOST_CONSTITUENTS = 128
Z_CUT = 0.1
EVENTS_AT_ONCE = 50
# Significant bits of momenta and impact parameters, and of errors: far finer than the resolution, so that columns
# compress.
BITS, ERROR_BITS = 12, 8


def make_block(kind: str, seed: int, block: int, n: int, report: Callable[[int], None] = lambda made: None) -> Ragged:
    """The first n jets of a block, fully determined by the arguments; see `Generator`."""
    own_seed = block_seed(seed, CLASSES.index(kind), block, len(CLASSES))
    veto, random = DecayVeto(RECIPES[kind]), np.random.default_rng(own_seed)
    pythia = make_pythia(settings(kind), own_seed, veto)
    return first(n, (select(pythia.nextBatch(EVENTS_AT_ONCE), kind, random) for _ in count()), report)


def select(events: ak.Array, kind: str, random: np.random.Generator) -> Ragged:
    """The selected jets of one class, from events as returned by `pythia8mc.Pythia.nextBatch`."""
    recipe = RECIPES[kind]
    seen = CMS.energy_flow(visible_particles(events, MAX_ETA), random)
    ranks, products = (0, 1) if recipe.chains else (0,), None
    if recipe.chains:
        products = [decay_products(events, chain, recipe.n_partons, recipe.n_leptons) for chain in recipe.chains]
    jets = leading_jets(seen, len(events), JET_PT, ranks, products, MOST_CONSTITUENTS)
    if len(jets.event) == 0:
        return LAYOUT.empty()
    constituents = seen[jets.constituents]
    return Ragged(
        np.full(len(jets.event), CLASSES.index(kind), np.int8),
        jets.offsets,
        _elements(constituents, random),
        _extras(jets, constituents),
    )


def _elements(constituents: Particles, random: np.random.Generator) -> dict[str, np.ndarray]:
    momentum = round_to_bits(constituents.momentum[:, 1:], BITS)
    charged = constituents.charge != 0
    d0err, dzerr = impact_parameter_resolution(constituents.pt, constituents.eta)
    impact = {
        "d0val": constituents.d0 + d0err * random.standard_normal(len(constituents)),
        "d0err": d0err,
        "dzval": constituents.dz + dzerr * random.standard_normal(len(constituents)),
        "dzerr": dzerr,
    }
    columns = {
        **dict(zip(("px", "py", "pz"), momentum.T, strict=True)),
        "energy": np.sqrt((momentum**2).sum(1) + constituents.mass**2),
        **{
            name: round_to_bits(np.where(charged, values, 0), ERROR_BITS if name.endswith("err") else BITS)
            for name, values in impact.items()
        },
        "charge": constituents.charge,
        "type": constituents.kind,
    }
    return {name: columns[name].astype(dtype) for name, dtype in LAYOUT.elements.items()}


def _extras(jets: LargeRJets, constituents: Particles) -> dict[str, np.ndarray]:
    e, px, py, pz = jets.momentum.T
    pt = np.hypot(px, py)
    inside = jagged(constituents.momentum, np.diff(jets.offsets))
    taus = subjettiness(inside, 4, RADIUS)
    columns = {
        "jet_pt": pt,
        "jet_eta": np.arcsinh(pz / pt),
        "jet_phi": np.arctan2(py, px),
        "jet_energy": e,
        "jet_sdmass": soft_drop_mass(inside, Z_CUT),
        **{f"jet_tau{i + 1}": tau for i, tau in enumerate(taus.T)},
    }
    return {name: columns[name].astype(dtype) for name, dtype in LAYOUT.extras.items()}
