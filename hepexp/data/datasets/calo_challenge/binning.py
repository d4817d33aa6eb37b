"""The voxels of the CaloChallenge: rings around the axis of the particle, cut by azimuth, in each layer.

References
----------
C. Krause et al., arXiv:2410.21611, section 2; github.com/CaloChallenge/homepage for the files.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from hepexp.data.formats.refusal import listed
from hepexp.errors import DataError

_MOST_BYTES = 2**20
_MOST_VOXELS = 2**16


@dataclass(frozen=True)
class Layer:
    """The voxels of a layer, r fastest, then alpha.

    Parameters
    ----------
    number : of the layer in the detector.
    r_edges : edges of the rings in mm, rising from 0.
    n_alpha : number of equal sectors in azimuth, from -pi to pi.
    """

    number: int
    r_edges: tuple[float, ...]
    n_alpha: int

    @property
    def shape(self) -> tuple[int, int]:
        """(sectors, rings)."""
        return self.n_alpha, len(self.r_edges) - 1

    @property
    def n_voxels(self) -> int:
        return self.n_alpha * (len(self.r_edges) - 1)

    @cached_property
    def centres(self) -> NDArray[np.float64]:
        """Centres (n_voxels, 2) as (x, y) in mm: the middle of the ring and of the sector, 0 if there is one sector."""
        edges = np.array(self.r_edges)
        r = np.tile((edges[1:] + edges[:-1]) / 2, self.n_alpha)
        if self.n_alpha == 1:
            return np.zeros((self.n_voxels, 2))
        alpha = -np.pi + 2 * np.pi * (np.arange(self.n_alpha) + 0.5) / self.n_alpha
        alpha = np.repeat(alpha, len(edges) - 1)
        return np.stack([r * np.cos(alpha), r * np.sin(alpha)], 1)


@dataclass(frozen=True)
class Binning:
    """All layers that have voxels, in order; voxels are counted through from the first to the last layer."""

    layers: tuple[Layer, ...]

    @property
    def first(self) -> list[int]:
        """Number of the first voxel of each layer, and of all voxels at the end."""
        return [0, *np.cumsum([layer.n_voxels for layer in self.layers]).tolist()]


def read(path: Path, particle: str) -> Binning:
    """The binning of a file, which has <Layer id="0" r_edges="0,5,10" n_bin_alpha="1"/> in a <Bin name="photon">.

    Raises
    ------
    DataError : names the file, and says what was expected.
    """
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise DataError(f"{path}: larger than {_MOST_BYTES:,} bytes; expected the binning of a few layers")
        text = path.read_text(encoding="utf-8")
        if "<!" in text.replace("<!--", ""):
            raise DataError(f"{path}: declares entities or a document type; expected only bins and layers")
        root = ElementTree.fromstring(text)
    except (OSError, UnicodeDecodeError, ElementTree.ParseError) as error:
        raise DataError(f"{path}: not a binning in XML: {error}") from None
    bins = [one for one in root.iter("Bin") if one.get("name") == particle]
    if len(bins) != 1:
        names = listed(str(one.get("name")) for one in root.iter("Bin")) or "none"
        raise DataError(f"{path}: expected one Bin with name {particle!r}, found {names}")
    layers = [layer for layer in (_layer(path, one) for one in bins[0].iter("Layer")) if layer.n_voxels]
    numbers = [layer.number for layer in layers]
    if len(set(numbers)) < len(numbers):
        raise DataError(f"{path}: two Layers have the same id; expected each once")
    if not 0 < sum(layer.n_voxels for layer in layers) < _MOST_VOXELS:
        raise DataError(f"{path}: expected 1 to {_MOST_VOXELS - 1:,} voxels")
    return Binning(tuple(layers))


def _layer(path: Path, node: ElementTree.Element) -> Layer:
    given = {name: node.get(name, "") for name in ("id", "r_edges", "n_bin_alpha")}
    try:
        number, n_alpha = int(given["id"]), int(given["n_bin_alpha"])
        edges = tuple(float(edge) for edge in given["r_edges"].split(","))
    except ValueError:
        number, n_alpha, edges = -1, 0, ()
    rising = len(edges) > 0 and edges[0] >= 0 and all(np.diff(edges) > 0) and np.isfinite(edges[-1])
    if not rising or not 1 <= n_alpha < _MOST_VOXELS or number < 0:
        found = ", ".join(f"{name}={text[:60]!r}" for name, text in given.items())
        raise DataError(f"{path}: a Layer with {found}; expected a number, rising edges in mm, and at least 1 sector")
    return Layer(number, edges, n_alpha)
