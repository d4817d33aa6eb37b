"""Events of g g -> n g at a fixed energy, each with its squared matrix element."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from hepexp.data.store.limits import Limits
from hepexp.data.store.ragged import Layout, Ragged
from hepexp.physics.gluons import gluons_squared
from hepexp.physics.integrands import passes_jet_cuts
from hepexp.physics.parke_taylor import five_gluons_squared
from hepexp.physics.phase_space import PhaseSpace
from hepexp.physics.vectors import all_outgoing
from hepexp.simulation.block import block_seed

MOMENTUM = ("E", "px", "py", "pz")
# The first two gluons of an event are the incoming ones, whose momenta add up to those of the others.
LAYOUT = Layout(
    elements={**dict.fromkeys(MOMENTUM, np.float32), "incoming": np.int8},
    extras={"log_m2": np.float32},
    limits={
        **dict.fromkeys(MOMENTUM, Limits(-1e6, 1e6, "GeV")),
        "incoming": Limits(0, 1),
        "log_m2": Limits(-1e3, 1e3),
    },
)
CLASSES = ("gg_2g", "gg_3g", "gg_4g")
PACKAGES: tuple[str, ...] = ()
BLOCK = 2_000
ENERGY, PT_MIN, SEPARATION = 1000.0, 60.0, 0.4  # GeV and GeV


def settings(kind: str) -> list[str]:
    """The parameters of the distribution of a class."""
    return [
        f"energy = {ENERGY:g} GeV",
        "phase space = flat",
        f"pT of each gluon > {PT_MIN:g} GeV",
        f"Delta R of each pair > {SEPARATION}",
        "|M|^2 = tree level, g = 1, all colours and helicities",
    ]


def make_block(kind: str, seed: int, block: int, n: int, report: Callable[[int], None] = lambda made: None) -> Ragged:
    """The n events of a block; see `Generator`."""
    label = CLASSES.index(kind)
    random = np.random.default_rng(block_seed(seed, label, block, len(CLASSES)))
    p = _events(label + 2, n, random)
    log_m2 = log_squared(p)
    report(n)
    each = p.shape[1]
    momenta = torch.cat([-p[:, :2], p[:, 2:]], dim=1).reshape(-1, 4).numpy()
    columns = {name: momenta[:, k].astype(np.float32) for k, name in enumerate(MOMENTUM)}
    columns["incoming"] = np.tile((np.arange(each) < 2).astype(np.int8), n)
    extras = {"log_m2": log_m2.numpy().astype(np.float32)}
    return Ragged(np.full(n, label, np.int8), np.arange(n + 1) * each, columns, extras)


def log_squared(p: Tensor) -> Tensor:
    """ln(|M|^2 s^(n-4)) (B,) of momenta (B, n, 4), all outgoing; without a dimension, as g is 1."""
    n = p.shape[1]
    squared = five_gluons_squared(p) if n == 5 else gluons_squared(p)
    return squared.log() + (n - 4) * np.log(ENERGY**2)


def _events(n_final: int, n: int, random: np.random.Generator) -> Tensor:
    """Momenta (n, n_final + 2, 4), all outgoing, of events within the cuts."""
    space = PhaseSpace(ENERGY, [0.0] * n_final)
    found: list[Tensor] = []
    while (missing := n - sum(map(len, found))) > 0:
        p, _ = space(torch.from_numpy(random.random((2 * missing + 16, space.n_dims))))
        found.append(p[passes_jet_cuts(p, PT_MIN, SEPARATION)])
    return all_outgoing(ENERGY, torch.cat(found)[:n])
