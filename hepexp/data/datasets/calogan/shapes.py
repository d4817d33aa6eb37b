"""The shapes of showers: how the energy is distributed over the layers, and over the cells of each.

References
----------
M. Paganini, L. de Oliveira, B. Nachman, arXiv:1705.02355, table II. What is called sparsity there is the occupancy.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray

from hepexp.data.datasets.calogan.calorimeter import CELLS, FIRST, centres
from hepexp.data.datasets.calogan.info import LAYOUT
from hepexp.data.store.images import to_dense
from hepexp.data.store.ragged import Ragged

Floats = NDArray[np.float64]
LAYERS = range(len(CELLS))


@dataclass(frozen=True)
class Showers:
    """Showers as dense arrays.

    Parameters
    ----------
    cells : (n, 504) energies in MeV.
    incident : (n,) energy of the particle in GeV.
    """

    cells: Floats
    incident: Floats

    @classmethod
    def of(cls, examples: Ragged) -> Showers:
        """The showers of the store."""
        cells = to_dense(examples, LAYOUT.image_shape).reshape(len(examples), -1)
        return cls(cells.astype(np.float64), examples["energy"].astype(np.float64))

    def layer(self, layer: int) -> Floats:
        """The cells (n, along x, along y) of a layer, MeV."""
        return self.cells[:, FIRST[layer] : FIRST[layer + 1]].reshape(-1, *CELLS[layer])

    @cached_property
    def energies(self) -> Floats:
        """Energies (n, 3) of the layers, GeV."""
        return np.stack([self.layer(layer).sum((1, 2)) for layer in LAYERS], 1) / 1000

    @cached_property
    def total(self) -> Floats:
        """Energy (n,) of all layers, GeV."""
        return self.energies.sum(1)


def depth(showers: Showers) -> Floats:
    """The last layer with energy; -1 where there is none."""
    hit = showers.energies > 0
    return np.where(hit.any(1), len(CELLS) - 1 - hit[:, ::-1].argmax(1), -1).astype(np.float64)


def response(showers: Showers) -> Floats:
    """Energy in all layers over that of the particle."""
    return showers.total / showers.incident


def layer_energy(showers: Showers, layer: int) -> Floats:
    """E_i, GeV."""
    return showers.energies[:, layer]


def share(showers: Showers, layer: int) -> Floats:
    """E_i / E_tot, a layer's part of the energy in all layers."""
    return ratio(showers.energies[:, layer], showers.total)


def weighted_depth(showers: Showers) -> Floats:
    """l_d = sum of i E_i over the layers, GeV."""
    return showers.energies @ np.arange(len(CELLS))


def mean_depth(showers: Showers) -> Floats:
    """s_d = l_d / E_tot, in layers."""
    return ratio(weighted_depth(showers), showers.total)


def depth_spread(showers: Showers) -> Floats:
    """sigma_sd = sqrt(sum of i^2 E_i / E_tot - s_d^2), in layers."""
    squares = ratio(showers.energies @ np.arange(len(CELLS)) ** 2, showers.total)
    return np.sqrt(np.maximum(squares - mean_depth(showers) ** 2, 0))


def centre(showers: Showers, layer: int, axis: int) -> Floats:
    """Energy-weighted mean of the centres of a layer's cells in x (axis 0) or y (axis 1), mm."""
    profile = showers.layer(layer).sum(2 - axis)
    return ratio(profile @ centres(layer, axis), profile.sum(1))


def width(showers: Showers, layer: int, axis: int) -> Floats:
    """Energy-weighted standard deviation of the centres of a layer's cells in x (axis 0) or y (axis 1), mm."""
    profile, place = showers.layer(layer).sum(2 - axis), centres(layer, axis)
    energy = profile.sum(1)
    mean = ratio(profile @ place, energy)
    return np.sqrt(np.maximum(ratio(profile @ place**2, energy) - mean**2, 0))


def contrast(showers: Showers, layer: int) -> Floats:
    """E_ratio = (E_1st - E_2nd) / (E_1st + E_2nd) of the two cells of a layer with the most energy."""
    cells = showers.layer(layer).reshape(len(showers.cells), -1)
    second, first = np.partition(cells, -2, axis=1)[:, -2:].T
    return ratio(first - second, first + second)


def occupancy(showers: Showers, layer: int) -> Floats:
    """Share of a layer's cells with energy."""
    return (showers.layer(layer) > 0).mean((1, 2))


def ratio(above: Floats, below: Floats) -> Floats:
    """Ratio of two sums of energies, 0 where there is no energy."""
    return np.divide(above, below, out=np.zeros_like(above), where=below > 0)


@dataclass(frozen=True)
class Shape:
    """A shape: its values (n,) for showers, its label, and its unit."""

    of: Callable[[Showers], Floats]
    label: str
    unit: str = ""

    @property
    def name(self) -> str:
        """Its label with its unit, if it has one."""
        return f"{self.label} [{self.unit}]" if self.unit else self.label


def _of_each_layer() -> dict[str, Shape]:
    found = {f"energy_{i}": Shape(partial(layer_energy, layer=i), f"energy in layer {i}", "GeV") for i in LAYERS}
    found |= {f"share_{i}": Shape(partial(share, layer=i), f"share of layer {i}") for i in LAYERS}
    for axis, name in enumerate("xy"):
        for i in LAYERS:
            of = partial(width, layer=i, axis=axis)
            found[f"width_{name}_{i}"] = Shape(of, f"width in {name} in layer {i}", "mm")
    found |= {f"e_ratio_{i}": Shape(partial(contrast, layer=i), f"E ratio of layer {i}") for i in LAYERS}
    return found | {f"occupancy_{i}": Shape(partial(occupancy, layer=i), f"occupancy of layer {i}") for i in LAYERS}


SHAPES: dict[str, Shape] = {
    "response": Shape(response, "energy in the layers / energy of the particle"),
    "depth": Shape(depth, "last layer hit"),
    "weighted_depth": Shape(weighted_depth, "depth-weighted energy", "GeV"),
    "mean_depth": Shape(mean_depth, "mean depth", "layers"),
    "depth_spread": Shape(depth_spread, "spread of the depth", "layers"),
    **_of_each_layer(),
}
