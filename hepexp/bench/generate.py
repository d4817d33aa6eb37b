"""Simulated quark/gluon jets per second on one core: ours vs a plain Python loop over events and particles.

Samples are made with one process per core, so their total rate is this one times the number of cores.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

ROUNDS = 3


def rows(n: int = 120) -> list[dict]:
    """Rates of both, measured alternately in this process: medians over rounds of n jets, half of each class."""
    implementations: dict[str, Callable[[str, int, int], int]] = {"hepexp": _ours, "python-loop": _python_loop}
    rates: dict[str, list[float]] = {name: [] for name in implementations}
    for make in implementations.values():  # warm-up: imports, tables
        make("gluon", 1, 0)
    for seed in range(1, ROUNDS + 1):
        for name, make in implementations.items():
            start = time.perf_counter()
            for kind in ("gluon", "quark"):
                make(kind, n // 2, seed)
            rates[name].append(2 * (n // 2) / (time.perf_counter() - start))
    return [
        {"case": "generate", "implementation": name, "per_second": median(values)} for name, values in rates.items()
    ]


def _ours(kind: str, n: int, seed: int) -> int:
    from hepexp.data.datasets.qg.generate import make_block

    return len(make_block(kind, seed, 0, n))


def _python_loop(kind: str, n: int, seed: int) -> int:
    """The same physics without hooks: events, particles and jets one at a time."""
    import fastjet

    from hepexp.data.datasets.qg.generate import (
        CLASSES,
        JET_MAX_RAPIDITY,
        JET_PT,
        JET_RADIUS,
        LIGHT_QUARKS,
        settings,
    )
    from hepexp.simulation.block import block_seed
    from hepexp.simulation.pythia import NEUTRINOS, make_pythia

    pythia = make_pythia(settings(kind), block_seed(seed, CLASSES.index(kind), 0, len(CLASSES)))
    definition = fastjet.JetDefinition(fastjet.antikt_algorithm, JET_RADIUS)
    made: list[list[tuple]] = []
    while len(made) < n:
        pythia.next()
        if not {abs(pythia.process[i].id()) for i in (5, 6)} & {21, *LIGHT_QUARKS}:
            continue
        particles = []
        for i in range(pythia.event.size()):
            particle = pythia.event[i]
            if particle.isFinal() and abs(particle.id()) not in NEUTRINOS:
                momentum = fastjet.PseudoJet(particle.px(), particle.py(), particle.pz(), particle.e())
                momentum.set_user_index(particle.id())
                particles.append(momentum)
        sequence = fastjet.ClusterSequence(particles, definition)
        jet = max(sequence.inclusive_jets(), key=lambda jet: jet.pt())
        if JET_PT[0] <= jet.pt() <= JET_PT[1] and abs(jet.rap()) < JET_MAX_RAPIDITY:
            made.append([(p.pt(), p.rap(), p.phi(), p.user_index()) for p in jet.constituents()])
    return len(made)
