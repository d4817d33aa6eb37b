"""Simulated hits of charged particles in a pixel tracker: helices from the beam line in a solenoid.

The layers are where TrackML has them: four cylinders of |z| < 490 mm and seven discs on either side, 30 mm < r <
176 mm, in a field of 2 T along z. An event has 100 to 700 particles, all numbers alike, with p(pT) proportional to
pT^-2 from 0.2 to 100 GeV, flat in |eta| < 3.5 and azimuth, from ten points of the beam line with a width of 50 mm.

A particle of radius of curvature R = pT / (0.3 B) crosses a cylinder of radius r at the azimuth phi_0 - q asin(r / 2R),
and a disc where its arc in the transverse plane is (z - z0) / sinh(eta); nothing is kept after half a turn. In each
layer of 0.03 radiation lengths the direction changes by angles of the width 13.6 MeV / p sqrt(x) (1 + 0.038 ln x),
which move the later hits by the angle times the distance. A hit is found with 98 %, and smeared by 8 micrometres in
azimuth and 12 along the layer; 5 % of all hits are noise, uniform in a layer.

Limitations: no energy loss, secondary particles, overlapping modules, or clusters; beta = 1.

References
----------
S. Amrouche et al., arXiv:1904.06778, section 2 (the detector); S. Navas et al. (Particle Data Group), Phys. Rev. D 110
(2024) 030001, section 34.3 (multiple scattering).
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import numpy as np
from numpy.typing import NDArray

from hepexp.data.datasets.trackml.layout import LAYOUT, N_BARREL, N_LAYERS
from hepexp.data.store.ragged import Ragged, offsets_of
from hepexp.simulation.block import block_seed, first, round_to_bits

__all__ = ["BLOCK", "CLASSES", "N_LAYERS", "PACKAGES", "crossings", "event", "make_block", "settings"]

CLASSES = ("event",)
PACKAGES: tuple[str, ...] = ()
BLOCK = 100  # events per unit of work
RADII = np.array([32.3, 72.1, 116.1, 172.0])  # mm
HALF_LENGTH = 490.0
DISCS = np.array([600.0, 700, 820, 960, 1100, 1300, 1500])
DISC_RADII = (30.0, 176.0)
FIELD = 2.0  # T
PARTICLES, PT, MOST_ETA = (100, 700), (0.2, 100.0), 3.5  # GeV
VERTICES, VERTEX_WIDTH = 10, 50.0  # mm
MATERIAL, FOUND, NOISE = 0.03, 0.98, 0.05
S_PHI, S_ALONG = 0.008, 0.012  # mm
BITS = 20
Array = NDArray[np.float64]


def settings(kind: str) -> list[str]:
    """The parameters of the simulation."""
    return [
        f"cylinders at r = {', '.join(map(str, RADII))} mm, |z| < {HALF_LENGTH} mm",
        f"discs at |z| = {', '.join(map(str, DISCS))} mm, {DISC_RADII[0]} mm < r < {DISC_RADII[1]} mm",
        f"field = {FIELD} T, radiation lengths of a layer = {MATERIAL}",
        f"particles = {PARTICLES[0]} to {PARTICLES[1]}, pT = {PT[0]} to {PT[1]} GeV, |eta| < {MOST_ETA}",
        f"vertices = {VERTICES}, width {VERTEX_WIDTH} mm",
        f"found = {FOUND}, noise = {NOISE}, resolutions = {S_PHI} mm and {S_ALONG} mm",
    ]


def make_block(kind: str, seed: int, block: int, n: int, report: Callable[[int], None] = lambda made: None) -> Ragged:
    """The first n events of a block, fully determined by the arguments; see `Generator`."""
    random = np.random.default_rng(block_seed(seed, 0, block, len(CLASSES)))
    return first(n, (event(random, int(random.integers(*PARTICLES, endpoint=True))) for _ in count()), report)


def crossings(pt: Array, eta: Array, phi: Array, charge: Array, z0: Array) -> tuple[Array, Array, Array, Array]:
    """Where helices from (0, 0, z0) cross the layers: r, phi, z, and the length of the path, NaN where they do not.

    Shapes
    ------
    each (m,), GeV and mm -> each (m, 18), mm and rad.
    """
    radius = pt[:, None] / (0.3 * FIELD) * 1000
    slope = np.sinh(eta)[:, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        turn = np.arcsin(RADII / (2 * radius))  # half the angle that the track has turned by
        z = z0[:, None] + 2 * radius * turn * slope
        turn = np.where(abs(z) < HALF_LENGTH, turn, np.nan)
        discs = np.concatenate([-DISCS, DISCS])
        half = (discs - z0[:, None]) / slope / (2 * radius)
        r = 2 * radius * np.sin(half)
        half = np.where((half > 0) & (half < np.pi / 2) & (r > DISC_RADII[0]) & (r < DISC_RADII[1]), half, np.nan)
    turn = np.concatenate([turn, half], axis=1)
    arc = 2 * radius * turn
    azimuth = phi[:, None] - charge[:, None] * turn
    return 2 * radius * np.sin(turn), azimuth, z0[:, None] + arc * slope, arc * np.cosh(eta)[:, None]


def _scattered(path: Array, p: Array, random: np.random.Generator) -> tuple[Array, Array]:
    """Displacements (m, 18) in two directions across tracks, mm, from the angles of all layers before on the path."""
    theta = 0.0136 / p * np.sqrt(MATERIAL) * (1 + 0.038 * np.log(MATERIAL))
    order = np.argsort(path, axis=1)  # NaN last
    along = np.nan_to_num(np.take_along_axis(path, order, 1))
    moved = []
    for _ in range(2):
        angle = random.normal(size=path.shape) * theta[:, None]
        before, lever = (np.cumsum(values, axis=1) - values for values in (angle, angle * along))
        moved.append(np.empty_like(path))
        np.put_along_axis(moved[-1], order, along * before - lever, 1)
    return moved[0], moved[1]


def event(random: np.random.Generator, m: int) -> Ragged:
    """An event of m particles."""
    pt = 1 / random.uniform(1 / PT[1], 1 / PT[0], m)
    eta, azimuth = random.uniform(-MOST_ETA, MOST_ETA, m), random.uniform(-np.pi, np.pi, m)
    z0 = random.normal(0, VERTEX_WIDTH, VERTICES)[random.integers(0, VERTICES, m)]
    r, phi, z, path = crossings(pt, eta, azimuth, random.choice([-1.0, 1.0], m), z0)
    across, other = _scattered(path, pt * np.cosh(eta), random)
    phi = phi + (across + S_PHI * random.normal(size=r.shape)) / r
    # a track at the angle theta moves by d / sin theta along a cylinder, and by d / cos theta along a disc
    along = S_ALONG * random.normal(size=r.shape)
    z[:, :N_BARREL] += other[:, :N_BARREL] * np.cosh(eta)[:, None] + along[:, :N_BARREL]
    r[:, N_BARREL:] += other[:, N_BARREL:] / abs(np.tanh(eta))[:, None] + along[:, N_BARREL:]
    particle, layer = np.nonzero(np.isfinite(r) & (random.random(r.shape) < FOUND))
    n_noise = int(random.poisson(NOISE / (1 - NOISE) * len(particle)))
    r_noise, z_noise, layer_noise = _noise(n_noise, random)
    hits = {
        "r": np.concatenate([r[particle, layer], r_noise]),
        "phi": np.concatenate([phi[particle, layer], random.uniform(-np.pi, np.pi, n_noise)]),
        "z": np.concatenate([z[particle, layer], z_noise]),
    }
    columns: dict[str, NDArray] = {
        "x": round_to_bits(hits["r"] * np.cos(hits["phi"]), BITS),
        "y": round_to_bits(hits["r"] * np.sin(hits["phi"]), BITS),
        "z": round_to_bits(hits["z"], BITS),
        "layer": np.concatenate([layer, layer_noise]),
        "particle": np.concatenate([particle, m + np.arange(n_noise)]),
        "pt": np.concatenate([pt[particle], np.zeros(n_noise)]),
        "eta": np.concatenate([eta[particle], np.zeros(n_noise)]),
    }
    order = random.permutation(len(hits["r"]))
    columns = {name: columns[name][order].astype(kind) for name, kind in LAYOUT.elements.items()}
    return Ragged(np.zeros(1, np.int8), offsets_of(np.array([len(order)])), columns)


def _noise(n: int, random: np.random.Generator) -> tuple[Array, Array, NDArray[np.int64]]:
    """r, z and layers (n,) of noise."""
    layer = random.integers(0, N_LAYERS, n)
    disc = layer >= N_BARREL
    places = np.concatenate([np.zeros(N_BARREL), -DISCS, DISCS])
    r = np.where(disc, random.uniform(*DISC_RADII, n), np.concatenate([RADII, np.zeros(2 * len(DISCS))])[layer])
    return r, np.where(disc, places[layer], random.uniform(-HALF_LENGTH, HALF_LENGTH, n)), layer
