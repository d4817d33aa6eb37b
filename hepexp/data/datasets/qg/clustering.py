"""From simulated events to jets: anti-kT clustering of the visible particles, and cuts on the hardest jet."""

from __future__ import annotations

import awkward as ak
import fastjet
import numpy as np
from numpy.typing import NDArray

from hepexp.data.datasets.qg.info import LAYOUT
from hepexp.data.datasets.qg.settings import CLASSES, JET_MAX_RAPIDITY, JET_PT, JET_RADIUS, NEUTRINOS
from hepexp.data.store.ragged import Ragged, offsets_of
from hepexp.simulation.rounding import round_to_bits

_DEFINITION = fastjet.JetDefinition(fastjet.antikt_algorithm, JET_RADIUS)

# Precision to which values are rounded, far finer than any detector's resolution, so that the stored columns compress.
PT_BITS = 16  # significant bits: one part in 65,536
ANGLE_STEP = 2.0**-17  # 8e-6 in rapidity and radians


def hardest_jets(events: ak.Array, kind: str) -> Ragged:
    """The hardest jet of each event, if it lies in the window.

    Using one jet per event keeps the examples independent; a second jet in the window occurs in only one of 300
    selected events, and its label is not determined by the hard process.

    Parameters
    ----------
    events : as returned by `pythia8mc.Pythia.nextBatch`.
    kind : class of the jets, "gluon" or "quark".

    Returns
    -------
    Jets of layout LAYOUT with particles in order of decreasing pT, and phi within pi of the jet axis.
    """
    particles = events.prt
    visible = particles.status > 0
    for neutrino in NEUTRINOS:
        visible = visible & (abs(particles.id) != neutrino)
    particles = particles[visible]
    momenta = ak.zip(
        {"px": particles.p.px, "py": particles.p.py, "pz": particles.p.pz, "E": particles.p.e}, with_name="Momentum4D"
    )
    sequence = fastjet.ClusterSequence(momenta, _DEFINITION)
    jets = sequence.inclusive_jets(min_pt=JET_PT[0])
    constituents = sequence.constituent_index(min_pt=JET_PT[0])
    pt = np.hypot(jets.px, jets.py)
    leading = ak.argmax(pt, axis=1, keepdims=True)
    e, pz, pt = (ak.fill_none(ak.firsts(values[leading]), np.nan) for values in (jets.E, jets.pz, pt))
    pt, rapidity = ak.to_numpy(pt), np.arctanh(ak.to_numpy(pz) / ak.to_numpy(e))
    passed = np.flatnonzero((pt >= JET_PT[0]) & (pt <= JET_PT[1]) & (abs(rapidity) < JET_MAX_RAPIDITY))
    if len(passed) == 0:
        return LAYOUT.empty()
    inside = ak.firsts(constituents[leading])[passed]
    axis = np.arctan2(ak.firsts(jets.py[leading])[passed], ak.firsts(jets.px[leading])[passed])
    chosen = particles[passed][inside]
    chosen = chosen[ak.argsort(-(chosen.p.px**2 + chosen.p.py**2), axis=1)]
    return _columns(chosen, ak.to_numpy(axis), kind)


def _columns(particles: ak.Array, axis: NDArray[np.float64], kind: str) -> Ragged:
    counts = ak.to_numpy(ak.num(particles))
    px, py, pz, e = (ak.to_numpy(ak.flatten(particles.p[name])) for name in ("px", "py", "pz", "e"))
    axis = np.repeat(axis % (2 * np.pi), counts)
    phi = np.arctan2(py, px)
    phi -= 2 * np.pi * np.round((phi - axis) / (2 * np.pi))
    return Ragged(
        label=np.full(len(counts), CLASSES.index(kind), np.int8),
        offsets=offsets_of(counts),
        elements={
            "pt": round_to_bits(np.hypot(px, py), PT_BITS).astype(np.float32),
            "y": (np.round(np.arctanh(pz / e) / ANGLE_STEP) * ANGLE_STEP).astype(np.float32),
            "phi": (np.round(phi / ANGLE_STEP) * ANGLE_STEP).astype(np.float32),
            "pdgid": ak.to_numpy(ak.flatten(particles.id)).astype(np.int32),
        },
    )
