"""Simulated muons in an endcap, as a trigger sees them: angles between four stations; see `tracks.py`.

The transverse momenta are flat in 1 / pT from 1 to 256 GeV, as in the training of the CMS endcap muon trigger; muons
that stop before the last station are not among the examples. Angles are digital: azimuths in steps of 2^-12 rad, others
in steps of 2^-8.

References
----------
CMS Collaboration, JINST 15 (2020) P10017, section 4 (the trigger, whose inputs these are like).
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import numpy as np
from numpy.typing import NDArray

from hepexp.data.datasets.muon_stations import tracks
from hepexp.data.datasets.muon_stations.columns import LAYOUT, PAIRS
from hepexp.data.datasets.muon_stations.tracks import STATIONS, Hits, field_integral
from hepexp.data.store.ragged import Ragged
from hepexp.simulation.block import block_seed, first

CLASSES = ("muon",)
PACKAGES: tuple[str, ...] = ()
BLOCK = 20_000
AT_ONCE = 5000
PT = (1.0, 256.0)  # GeV
ETA = (1.2, 2.4)
STEP_PHI, STEP_OTHERS = 2.0**-12, 2.0**-8  # rad


def settings(kind: str) -> list[str]:
    """The parameters of the toy."""
    return [
        f"pT = {PT[0]} to {PT[1]} GeV, flat in 1 / pT",
        f"eta = {ETA[0]} to {ETA[1]}, flat",
        f"stations at z = {', '.join(map(str, STATIONS))} m, front and rear chambers {tracks.FRONT} m apart from them",
        f"field = {tracks.FIELD} T, ending at {tracks.EDGE} m with a width of {tracks.WIDTH} m",
        f"radiation lengths = {', '.join(map(str, tracks.LENGTHS))}",
        f"energy losses = {', '.join(map(str, tracks.LOSSES))} GeV",
        f"resolutions = {tracks.STRIP} m, theta {tracks.ANGLE}, bend {tracks.SLOPE}",
    ]


def make_block(kind: str, seed: int, block: int, n: int, report: Callable[[int], None] = lambda made: None) -> Ragged:
    """The first n muons of a block, fully determined by the arguments; see `Generator`."""
    random = np.random.default_rng(block_seed(seed, 0, block, len(CLASSES)))
    return first(n, (_some(random) for _ in count()), report)


def _some(random: np.random.Generator) -> Ragged:
    inverse = random.uniform(1 / PT[1], 1 / PT[0], AT_ONCE)
    eta = random.uniform(*ETA, AT_ONCE)
    hits = tracks.tracks(1 / inverse, eta, random.choice([-1.0, 1.0], AT_ONCE), random)
    found = measured(hits) | {"inverse_pt": inverse[hits.survived], "pt": 1 / inverse[hits.survived]}
    found["eta"] = eta[hits.survived]
    n = len(hits.phi)
    columns: dict[str, NDArray] = {name: found[name].astype(to) for name, to in LAYOUT.extras.items()}
    return Ragged(np.zeros(n, np.int8), np.zeros(n + 1, np.int64), {}, columns)


def measured(hits: Hits) -> dict[str, NDArray[np.float64]]:
    """What a trigger knows of tracks, each column (n,); azimuths are mirrored so that dphi_12 is not negative."""
    phi = np.round(hits.phi / STEP_PHI) * STEP_PHI
    theta, bend = (np.round(angle / STEP_OTHERS) * STEP_OTHERS for angle in (hits.theta, hits.bend))
    sign = np.where(phi[:, 1] < phi[:, 0], -1.0, 1.0)
    found = {"theta": theta[:, 0], "dphi_fit": dphi_fit(phi, theta[:, 0])}
    for a, b in PAIRS:
        found[f"dphi_{a + 1}{b + 1}"] = sign * (phi[:, b] - phi[:, a])
        found[f"dtheta_{a + 1}{b + 1}"] = theta[:, b] - theta[:, a]
    for station in range(4):
        found[f"bend_{station + 1}"] = sign * bend[:, station]
        found[f"front_{station + 1}"] = hits.front[:, station].astype(np.float64)
    return found


def dphi_fit(phi: NDArray[np.float64], theta: NDArray[np.float64]) -> NDArray[np.float64]:
    """1 / pT (n,) in 1/GeV by the bending between the first two stations, where it is largest, without scattering.

    |phi_2 - phi_1| = 0.15 tan(theta) / pT times the integral of B between them.
    """
    low, high = field_integral(STATIONS[:2])
    return abs(phi[:, 1] - phi[:, 0]) / (0.15 * np.tan(theta) * (high - low))
