"""The columns of each data set, with their units."""

from __future__ import annotations

import math

import numpy as np

from hepexp.data import limits
from hepexp.data.limits import Limits
from hepexp.data.ragged import Layout, Ragged, offsets_of

# pT in GeV, rapidity, azimuth in radians, type in the PDG's Monte Carlo numbering
QG = Layout(
    {"pt": np.float32, "y": np.float32, "phi": np.float32, "pdgid": np.int32},
    limits={"pt": limits.ENERGY, "y": limits.RAPIDITY, "phi": limits.AZIMUTH, "pdgid": limits.PDGID},
)

# four-momenta in GeV
_MOMENTA = dict.fromkeys(("px", "py", "pz"), limits.MOMENTUM)
TOP = Layout(
    {"E": np.float32, "px": np.float32, "py": np.float32, "pz": np.float32}, limits={"E": limits.ENERGY, **_MOMENTA}
)

# Four-momenta in GeV; signed impact parameters and their errors in mm, zero for neutral particles; charge in units of
# the positron's; type 0 charged hadron, 1 neutral hadron, 2 photon, 3 electron, 4 muon.
JETCLASS = Layout(
    elements={
        **dict.fromkeys(("px", "py", "pz", "energy", "d0val", "d0err", "dzval", "dzerr"), np.float32),
        "charge": np.int8,
        "type": np.int8,
    },
    # pT, energy and soft-drop mass in GeV; N-subjettiness
    extras={
        f"jet_{name}": np.float32 for name in ("pt", "eta", "phi", "energy", "sdmass", "tau1", "tau2", "tau3", "tau4")
    },
    limits={
        "energy": limits.ENERGY,
        **_MOMENTA,
        **dict.fromkeys(("d0val", "dzval"), limits.DISTANCE),
        **dict.fromkeys(("d0err", "dzerr"), limits.DISTANCE_ERROR),
        "charge": Limits(-1, 1, whole=True),
        "type": Limits(0, 4, whole=True),
        "jet_pt": limits.ENERGY,
        "jet_eta": limits.RAPIDITY,
        "jet_phi": limits.AZIMUTH,
        "jet_energy": limits.ENERGY,
        "jet_sdmass": limits.MASS,
        **{f"jet_tau{n}": Limits(-1, limits.MOST_ENERGY) for n in (1, 2, 3, 4)},  # pT times angle, or divided by pT
    },
)

# coordinates of the one point of each example
POINTS = Layout({"x": np.float32, "y": np.float32}, limits=dict.fromkeys("xy", Limits(-1e6, 1e6)))


def images(channels: int, rows: int, columns: int, value: Limits, **extras: Limits) -> Layout:
    """Layout of images as non-zero pixels; position = (channel * rows + row) * columns + column, in ascending order.

    Parameters
    ----------
    value : limits of a pixel's value.
    extras : additional float32 columns with one value per image, with their limits.
    """
    shape = (channels, rows, columns)
    allowed = {"position": Limits(0, math.prod(shape) - 1, whole=True), "value": value, **extras}
    kinds = {"position": np.uint16, "value": np.float32}
    return Layout(kinds, dict.fromkeys(extras, np.float32), shape, allowed)


QG_IMAGES = images(3, 125, 125, Limits(0, limits.MOST_ENERGY), pt=limits.ENERGY, m0=limits.MASS)  # of the jet, GeV
ELECTRON_PHOTON = images(2, 32, 32, Limits(-1e6, 1e6))  # noise and times have either sign
MNIST = images(1, 28, 28, Limits(0, 1))


def from_dense(label: np.ndarray, dense: np.ndarray, **extras: np.ndarray) -> Ragged:
    """Images (n, channels, rows, columns) as non-zero pixels.

    Parameters
    ----------
    label : (n,) integers.
    extras : additional columns (n,) of the layout.
    """
    flat = dense.reshape(len(dense), -1)
    image, position = np.nonzero(flat)
    return Ragged(
        label.astype(np.int8),
        offsets_of(np.bincount(image, minlength=len(flat))),
        {"position": position.astype(np.uint16), "value": flat[image, position].astype(np.float32)},
        {name: column.astype(np.float32) for name, column in extras.items()},
    )


def to_dense(images: Ragged, shape: tuple[int, int, int]) -> np.ndarray:
    """Non-zero pixels as images (n, channels, rows, columns) float32."""
    size = math.prod(shape)
    dense = np.zeros(len(images) * size, np.float32)
    dense[np.repeat(np.arange(len(images)) * size, images.counts) + images["position"]] = images["value"]
    return dense.reshape(-1, *shape)
