"""Quantities by which generated showers are compared with those of the data set: their shapes.

References
----------
M. Paganini, L. de Oliveira, B. Nachman, arXiv:1705.02355, table II.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hepexp.data.datasets.calogan.shapes import LAYERS, SHAPES, Showers
from hepexp.data.store.ragged import Ragged
from hepexp.observable import Observable

# The shapes that make up each observable: those of the whole shower, and those of its layers together.
COMPONENTS: dict[str, tuple[str, ...]] = {
    **{name: (name,) for name in ("response", "depth", "weighted_depth", "mean_depth", "depth_spread")},
    **{
        name: tuple(f"{name}_{layer}" for layer in LAYERS)
        for name in ("energy", "share", "width_x", "width_y", "e_ratio", "occupancy")
    },
}


def _observable(name: str, shapes: tuple[str, ...]) -> Observable:
    labels = tuple(SHAPES[shape].name for shape in shapes)
    return Observable(name, labels, selects=name == "share", unit=SHAPES[shapes[0]].unit)


OBSERVABLES = tuple(_observable(name, shapes) for name, shapes in COMPONENTS.items())


def observe(examples: Ragged, names: Sequence[str] | None = None) -> dict[str, NDArray[np.float64]]:
    """The values (n, K) of the observables, of all or those asked for; `features` (n, 23) are all shapes together."""
    showers = Showers.of(examples)
    wanted = [*COMPONENTS, "features"] if names is None else names
    return {
        name: np.stack([SHAPES[shape].of(showers) for shape in shapes], 1)
        for name, shapes in (COMPONENTS | {"features": tuple(SHAPES)}).items()
        if name in wanted
    }
