"""Single electrons and photons of pT 50 GeV in the barrel of the CMS calorimeter, as crops of 32 x 32 crystals.

Simulated:
- the material of the tracker, 0.5 to 1.4 radiation lengths: electrons radiate photons along the tangent, photons
  convert, the pairs radiate in turn, and the field of 3.8 T spreads all of them in phi (`tracker_material`);
- a shower for each particle that reaches the calorimeter, with fluctuating depth and width (`em_shower`);
- noise, selective readout, hybrid clusters and times (`crystal_readout`).

Both classes are simulated by the same code and differ only in the initial particle. Rows of the crop run along eta and
columns along phi, with the hottest crystal at row and column 16; values are energies / 50 GeV and times / 50 ns, as in
the published crops.

Not simulated: gaps between modules, the thickness of individual tracker layers, pile-up, multiple scattering, the
3-degree tilt of the crystals, the spread of soft tracks in eta.

Tuned so that distributions agree with 100 published crops: `MATERIAL`, `CORE_SHARE`, `PHI_STRETCH`, `NOISE`,
`THRESHOLD`, `DOMINO`, and, from the extent of isolated hits, `TOWER_ET`; `CONTAINMENT` follows from the simulation
itself. The unit of time is inferred from its range: with 50 ns, the published -2.51 to 2.28 spans the ten samples of a
pulse.

Classification: boosted trees on 95 sums and profiles of 12,800, 25,000, 50,000 and 100,000 crops reach an AUC of 0.782,
0.789, 0.796 and 0.801 (+- 0.002 each). Networks trained on 400,000 published crops reach 0.80 to 0.82. Small
networks are limited by the number of crops: a `cnn` of widths 16, 32 and 64 reaches 0.72 +- 0.01 in six epochs on the
shipped sample, and 0.76 +- 0.01 with `dataset.image.power=0.5`, which enhances the weak hits around the hottest one;
widths 24, 48 and 96 reach 0.790 +- 0.003 in five epochs on 100,000 crops with that power.

References
----------
M. Andrews et al., End-to-end physics event classification with CMS Open Data, arXiv:1807.11916: how crops are made.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import numpy as np
from numpy.typing import NDArray

from hepexp.data.datasets.electron_photon import crystal_readout as readout
from hepexp.data.datasets.electron_photon import em_shower, tracker_material
from hepexp.data.store.images import from_dense
from hepexp.data.store.ragged import Ragged
from hepexp.simulation.block import block_seed, first, round_to_bits

CLASSES = ("photon", "electron")  # in the order of the labels
PACKAGES = ()  # that the simulation needs in addition to those of hepexp

PT = 50.0  # GeV
CRYSTAL = 0.0174  # side, in pseudorapidity and in radians
CROP = 32  # crystals per side
CENTRE = 16  # row and column of the hottest crystal
MAX_ETA = 1.2  # so that the crop lies within the barrel's 85 crystals
BITS = 10  # significant bits of a value: one part in 1000

BLOCK = 2000  # crops per unit of work
CROPS_AT_ONCE = 200  # drawn together: part of the definition of a block
_SIDE = 15  # crystals per side over which a shower spreads
_CANVAS = 56  # crystals per side of the area from which the crop is cut
_SPOTS = 93 * np.log(em_shower.Z)  # number of spots of energy in a shower of 1 GeV (hep-ex/0001020)


def settings(kind: str) -> list[str]:
    """The constants of the simulation, for the record."""
    return [
        f"particle = {kind}, pT {PT} GeV, |eta| < {MAX_ETA}, field {tracker_material.FIELD} T",
        "material = {} + {} eta^2 radiation lengths".format(*tracker_material.MATERIAL),
        f"shower = hep-ex/0001020, core share x {em_shower.CORE_SHARE}, width in phi x {em_shower.PHI_STRETCH}",
        f"resolution = {readout.STOCHASTIC} / sqrt(E), {readout.CALIBRATION}, noise {readout.NOISE} GeV a crystal",
        f"readout = towers {readout.TOWER_ET} GeV, outside clusters {readout.THRESHOLD} GeV, "
        f"dominoes {readout.DOMINO} and {readout.DOMINO_SEED} GeV, dead {readout.DEAD}",
        f"time = {readout.TIME_NOISE} ns / (E / noise), {readout.TIME_CONSTANT} ns, common {readout.TIME_COMMON} ns",
    ]


def make_block(kind: str, seed: int, block: int, n: int, report: Callable[[int], None] = lambda made: None) -> Ragged:
    """The first n crops of a block; see `Generator`."""
    label = CLASSES.index(kind)
    random = np.random.default_rng(block_seed(seed, label, block, len(CLASSES)))
    labels = np.full(CROPS_AT_ONCE, label)
    return first(n, (from_dense(labels, make_crops(kind, CROPS_AT_ONCE, random)) for _ in count()), report)


def make_crops(kind: str, n: int, random: np.random.Generator) -> NDArray[np.float64]:
    """Crops (n, 2, 32, 32) of one class: energies / 50 GeV and times / 50 ns."""
    eta = random.uniform(-MAX_ETA, MAX_ETA, n)
    charge = random.choice([-1, 1], n) * (kind == "electron")
    tracks = tracker_material.through_tracker(charge, PT, eta, random)
    energy, delay = deposit(tracks, n, np.cosh(eta), random)
    energy = readout.measure(energy, random)
    energy, delay = _crop(energy, delay)
    kept = readout.is_clustered(energy, CENTRE) | (energy > readout.THRESHOLD)
    kept &= (energy > 0) & readout.is_read(energy, np.cosh(eta), random)
    time = readout.times(energy, delay, random)
    crops = np.where(kept[:, None], np.stack([energy, time], 1) * readout.SCALE, 0)
    return round_to_bits(crops, BITS)


def deposit(
    tracks: tracker_material.Tracks, n: int, cosh_eta: NDArray[np.float64], random: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Energies in GeV and mean delays in ns on canvases (n, 56, 56), with the hardest track in the middle crystal."""
    phi, row = tracks.phi / CRYSTAL, random.uniform(-0.5, 0.5, n)[tracks.event]
    order = np.lexsort((-tracks.energy, tracks.event))
    events, first = np.unique(tracks.event[order], return_index=True)
    hardest = np.zeros(n)
    hardest[events] = phi[order[first]]
    phi = phi - (hardest + random.uniform(-0.5, 0.5, n))[tracks.event]
    cell = np.round(phi).astype(np.int64)
    middle, half = _CANVAS // 2, _SIDE // 2
    inside = abs(cell) < middle - half
    tracks, phi, row, cell = tracks[inside], phi[inside], row[inside], cell[inside]

    slices = em_shower.slice_shares(tracks.energy, tracks.charge == 0, random)
    shares = em_shower.crystal_shares(row, phi - cell, slices, tracks.energy, _SIDE)
    shares = _spots(shares, tracks.energy, random)
    rows = middle - half + np.arange(_SIDE)
    place = (tracks.event[:, None] * _CANVAS + rows) * _CANVAS + (cell + middle - half)[:, None]
    place = place[:, :, None] + np.arange(_SIDE)
    energies = shares * tracks.energy[:, None, None]
    delays = energies * (tracks.delay * cosh_eta[tracks.event] / tracker_material.LIGHT_SPEED)[:, None, None]
    size = n * _CANVAS * _CANVAS
    energy = np.asarray(np.bincount(place.ravel(), energies.ravel(), size), np.float64)
    delay = np.bincount(place.ravel(), delays.ravel(), size) / np.maximum(energy, 1e-9)
    return energy.reshape(n, _CANVAS, _CANVAS), delay.reshape(n, _CANVAS, _CANVAS)


def _spots(shares: NDArray[np.float64], energy: NDArray[np.float64], random: np.random.Generator) -> NDArray:
    """Shares (m, side, side) with the fluctuations of a shower of finitely many spots, their sums unchanged."""
    number = (_SPOTS * energy**0.876)[:, None, None]
    drawn = random.poisson(shares * number)
    return drawn * (shares.sum((1, 2)) / np.maximum(drawn.sum((1, 2)), 1))[:, None, None]


def _crop(*canvases: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """The canvases (n, 56, 56) cropped to (n, 32, 32) around the hottest crystal of the first canvas."""
    spare = _CANVAS - CROP + 1
    first = canvases[0][:, CENTRE : CENTRE + spare, CENTRE : CENTRE + spare]
    row, column = np.divmod(first.reshape(len(first), -1).argmax(1), spare)
    views = [np.lib.stride_tricks.sliding_window_view(canvas, (CROP, CROP), (1, 2)) for canvas in canvases]
    return [view[np.arange(len(first)), row, column] for view in views]
