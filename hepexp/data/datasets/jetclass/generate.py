"""Simulated jets like those of JetClass: QCD jets and nine decay modes of Higgs, Z, W and top, with tracks.

The resonances are produced by the original processes as far as Pythia 8 has them, at 13 TeV with multiparton
interactions: H from ZH, Z from ZZ, W from WZ, with the other Z decaying to neutrinos; tops from pairs; QCD jets from
Z + jet with Z -> nu nu. The detector is a simplified version of Delphes' CMS card (`detector.py`, `cms_card.py`). Jets
are anti-kT, R = 0.8, 500 < pT < 1000 GeV, |eta| < 2, and one of the two leading jets (QCD: the leading one). The
quarks, gluons and charged leptons (e, mu) of the decay must lie within 0.8 of the jet axis. Up to 128 constituents, the
hardest, are kept. HARD_PT are the limits on the pT of Pythia's hard process.

Limitations: leading-order matrix elements without MadGraph's full spin correlations between production and decay;
H -> 4 quarks and H -> l nu q q through W W* only; no pile-up; impact parameters of straight lines, with a resolution
fitted to the errors of 100 published JetClass-II jets (`impact.py`).

References
----------
Qu, Li, Qian, arXiv:2202.03772, section 3; Zenodo record 6619768.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import awkward as ak
import numpy as np

from hepexp.data.datasets.jetclass.info import LAYOUT
from hepexp.data.physics.substructure import jagged, subjettiness
from hepexp.data.store.ragged import Ragged
from hepexp.simulation.cms_card import CMS
from hepexp.simulation.decay_veto import DecayVeto
from hepexp.simulation.detector import MAX_ETA
from hepexp.simulation.impact import resolution
from hepexp.simulation.large_jets import RADIUS, LargeJets, decay_products, leading
from hepexp.simulation.particles import Particles, visible
from hepexp.simulation.pythia import make_pythia
from hepexp.simulation.rounding import round_to_bits
from hepexp.simulation.seeds import block_seed
from hepexp.simulation.substructure import soft_drop_mass

PACKAGES = ("pythia8mc", "fastjet", "awkward")
BLOCK = 200  # jets per unit of work: 6 to 30 s
JET_PT = (500.0, 1000.0)  # GeV
MOST_CONSTITUENTS = 128
HARD_PT = (350.0, 1400.0)  # GeV; a few per cent of the jets come from below, boosted by initial-state radiation
Z_CUT = 0.1
EVENTS_AT_ONCE = 50
# Significant bits of momenta and impact parameters, and of errors: far finer than the resolution, so that columns
# compress.
BITS, ERROR_BITS = 12, 8

_TO_QUARKS = "1 2 3 4 5"
_PAIRS = ("Top:gg2ttbar = on", "Top:qqbar2ttbar = on", "24:onMode = off")
_TOPS = ((6, 24), (-6, -24))


@dataclass(frozen=True)
class _Class:
    """How a class is produced, and which decay products a jet must contain: those of one of these resonance chains."""

    process: tuple[str, ...]
    chains: tuple[tuple[int, ...], ...] = ()
    n_partons: int = 0
    n_leptons: int = 0


def _higgs(*decay: str) -> tuple[str, ...]:
    return ("HiggsSM:ffbar2HZ = on", "23:onMode = off", "23:onIfAny = 12 14 16", "25:onMode = off", *decay)


_TO_WW = ("25:onIfMatch = 24 -24", "24:onMode = off")
_RECIPES = {
    "QCD": _Class(
        (
            "WeakBosonAndParton:qqbar2gmZg = on",
            "WeakBosonAndParton:qg2gmZq = on",
            "WeakZ0:gmZmode = 2",
            "23:onMode = off",
            "23:onIfAny = 12 14 16",
        )
    ),
    "Hbb": _Class(_higgs("25:onIfMatch = 5 -5"), ((25,),), 2),
    "Hcc": _Class(_higgs("25:onIfMatch = 4 -4"), ((25,),), 2),
    "Hgg": _Class(_higgs("25:onIfMatch = 21 21"), ((25,),), 2),
    "H4q": _Class(_higgs(*_TO_WW, f"24:onIfAny = {_TO_QUARKS}"), ((24, -24),), 4),
    "Hlvqq": _Class(_higgs(*_TO_WW, f"24:onIfAny = {_TO_QUARKS} 11 13"), ((24, -24),), 2, 1),
    "Zqq": _Class(
        (
            "WeakDoubleBoson:ffbar2gmZgmZ = on",
            "WeakZ0:gmZmode = 2",
            "23:onMode = off",
            f"23:onIfAny = {_TO_QUARKS} 12 14 16",
        ),
        ((23,),),
        2,
    ),
    "Wqq": _Class(
        (
            "WeakDoubleBoson:ffbar2ZW = on",
            "23:onMode = off",
            "23:onIfAny = 12 14 16",
            "24:onMode = off",
            f"24:onIfAny = {_TO_QUARKS}",
        ),
        ((24,), (-24,)),
        2,
    ),
    "Tbqq": _Class((*_PAIRS, f"24:onIfAny = {_TO_QUARKS}"), _TOPS, 3),
    "Tblv": _Class((*_PAIRS, "24:onIfAny = 11 13"), _TOPS, 1, 1),
}
CLASSES = tuple(_RECIPES)  # in the order of the labels


def settings(kind: str) -> list[str]:
    """Pythia's settings for jets of one class."""
    return [
        "Beams:eCM = 13000.",
        *_RECIPES[kind].process,
        f"PhaseSpace:pTHatMin = {HARD_PT[0]}",
        f"PhaseSpace:pTHatMax = {HARD_PT[1]}",
    ]


def make_block(kind: str, seed: int, block: int, n: int, report: Callable[[int], None] = lambda made: None) -> Ragged:
    """The first n jets of a block, fully determined by the arguments.

    Parameters
    ----------
    kind : one of CLASSES.
    seed : seed of the whole sample.
    block : number of the block, from 0.
    n : number of jets.
    report : called with the number of new jets each time there are some.
    """
    own_seed = block_seed(seed, CLASSES.index(kind), block, len(CLASSES))
    recipe, random = _RECIPES[kind], np.random.default_rng(own_seed)
    veto = DecayVeto(recipe.n_partons, recipe.n_leptons) if len(recipe.chains) == 1 else None
    pythia = make_pythia(settings(kind), own_seed, veto)
    parts, made = [LAYOUT.empty()], 0
    while made < n:
        jets = _jets(pythia.nextBatch(EVENTS_AT_ONCE), kind, random).take(slice(n - made))
        parts.append(jets)
        made += len(jets)
        report(len(jets))
    return Ragged.concatenate(parts)


def _jets(events: ak.Array, kind: str, random: np.random.Generator) -> Ragged:
    recipe = _RECIPES[kind]
    seen = CMS.energy_flow(visible(events, MAX_ETA), random)
    ranks, products = (0,), None
    if recipe.chains:
        ranks = (0, 1)
        products = [decay_products(events, chain, recipe.n_partons, recipe.n_leptons) for chain in recipe.chains]
    jets = leading(seen, len(events), JET_PT, ranks, products, MOST_CONSTITUENTS)
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
    d0err, dzerr = resolution(constituents.pt, constituents.eta)
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


def _extras(jets: LargeJets, constituents: Particles) -> dict[str, np.ndarray]:
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
