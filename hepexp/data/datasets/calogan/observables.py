"""Quantities by which generated showers are compared with those of the data set: their shapes.

References
----------
M. Paganini, L. de Oliveira, B. Nachman, arXiv:1705.02355, table II.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hepexp.data.datasets.calogan.shapes import LAYERS, SHAPES, Showers, centre, occupancy, width
from hepexp.data.store.ragged import Ragged
from hepexp.observable import Observable

TINY = 1e-8  # MeV, of layers without energy
# The shapes that make up each observable: those of the whole shower, and those of its layers together.
COMPONENTS: dict[str, tuple[str, ...]] = {
    **{name: (name,) for name in ("response", "depth", "weighted_depth", "mean_depth", "depth_spread")},
    **{
        name: tuple(f"{name}_{layer}" for layer in LAYERS)
        for name in ("energy", "share", "width_x", "width_y", "e_ratio", "occupancy")
    },
}

# An epoch is chosen by how the energy is distributed: that of all cells has a spread of some permille only, in units of
# which any generator is far away.
SELECTING = ("share", "width_x", "width_y", "e_ratio", "occupancy")


def _observable(name: str, shapes: tuple[str, ...]) -> Observable:
    labels = tuple(SHAPES[shape].name for shape in shapes)
    unit = SHAPES[shapes[0]].unit
    return Observable(name, labels, selects=name in SELECTING, unit=unit, mean=name == "response")


OBSERVABLES = tuple(_observable(name, shapes) for name, shapes in COMPONENTS.items())


def observe(examples: Ragged, names: Sequence[str] | None = None) -> dict[str, NDArray[np.float64]]:
    """The values (n, K) of the observables, of all or those asked for; `features` (n, 23) are all shapes together.

    What classifiers read is only there if it is asked for, see `classifier_inputs`.
    """
    showers = Showers.of(examples)
    wanted = [*COMPONENTS, "features"] if names is None else names
    if {"low_level", "high_level"} & {*wanted}:
        return {name: values for name, values in classifier_inputs(showers).items() if name in wanted}
    return {
        name: np.stack([SHAPES[shape].of(showers) for shape in shapes], 1)
        for name, shapes in (COMPONENTS | {"features": tuple(SHAPES)}).items()
        if name in wanted
    }


def classifier_inputs(showers: Showers) -> dict[str, NDArray[np.float64]]:
    """What classifiers read in the CaloChallenge (arXiv:2410.21611): log10 of the energy E of the particle in MeV, and

    low_level (n, 505) : the energies of the cells over E.
    high_level (n, 19) : of each layer log10 of its energy in MeV, centres and widths in units of 100 mm, and occupancy.
    """
    incident = 1000 * showers.incident[:, None]
    energies = [np.log10(1000 * showers.energies + TINY)]
    moments = [f(showers, layer, axis)[:, None] / 100 for f in (centre, width) for axis in (0, 1) for layer in LAYERS]
    occupancies = [occupancy(showers, layer)[:, None] for layer in LAYERS]
    return {
        "low_level": np.concatenate([np.log10(incident), showers.cells / incident], 1),
        "high_level": np.concatenate([np.log10(incident), *energies, *moments, *occupancies], 1),
    }
