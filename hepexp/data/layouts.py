"""The columns of each data set, with their units."""

from __future__ import annotations

import math

import numpy as np

from hepexp.data.ragged import Layout, Ragged, offsets_of

# pT in GeV, rapidity, azimuth in radians, type in the PDG's Monte Carlo numbering
QG = Layout({"pt": np.float32, "y": np.float32, "phi": np.float32, "pdgid": np.int32})

# four-momenta in GeV
TOP = Layout({"E": np.float32, "px": np.float32, "py": np.float32, "pz": np.float32})

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
)

# coordinates of the one point of each example
POINTS = Layout({"x": np.float32, "y": np.float32})


def images(channels: int, rows: int, columns: int, **extras: type) -> Layout:
    """Images as their non-zero pixels; position = (channel * rows + row) * columns + column, in rising order."""
    return Layout({"position": np.uint16, "value": np.float32}, extras, (channels, rows, columns))


QG_IMAGES = images(3, 125, 125, pt=np.float32, m0=np.float32)  # jet's pT and mass, GeV
ELECTRON_PHOTON = images(2, 32, 32)
MNIST = images(1, 28, 28)


def from_dense(label: np.ndarray, dense: np.ndarray, **extras: np.ndarray) -> Ragged:
    """Images (n, channels, rows, columns) as their non-zero pixels.

    Parameters
    ----------
    label : (n,) integers.
    extras : columns (n,) of the layout beside the label.
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
