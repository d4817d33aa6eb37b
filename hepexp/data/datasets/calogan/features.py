"""Representation `features` of showers: the energies of all cells, and shapes."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hepexp.config.suggest import did_you_mean
from hepexp.data.datasets.calogan.calorimeter import FIRST, N_CELLS
from hepexp.data.datasets.calogan.shapes import SHAPES, Showers
from hepexp.data.representations.scale import spread_or_one
from hepexp.data.representations.variables import Variables
from hepexp.data.store.ragged import Ragged
from hepexp.errors import ConfigError

CELLS = "cells"
KNOWN = (CELLS, "energy", *SHAPES)


class ShowerFeatures(Variables):
    """The energies of the cells, layer by layer, the energy of the particle, and shapes of the shower.

    Parameters
    ----------
    variables : in the order wanted, of cells (504 numbers, MeV), energy (of the particle, GeV), and the shapes that are
        defined in hepexp.data.datasets.calogan.shapes.
    power : power to which the energies of cells are raised: 0.5 enhances weak cells relative to the hottest ones.
    standardise : scale each variable to mean 0 and variance 1 over the training showers, and the cells of each layer by
        their common standard deviation, so that empty ones stay 0; if false, keep the units.

    Raises
    ------
    ConfigError : a variable is unknown or given twice, none is given, or the power is not positive.
    """

    def __init__(
        self, variables: Sequence[str] = (CELLS, "energy"), power: float = 0.5, standardise: bool = True
    ) -> None:
        for name in variables:
            if name not in KNOWN:
                hint = did_you_mean(str(name), KNOWN)
                raise ConfigError(f"dataset.features.variables: unknown {name!r}{hint} (known: {', '.join(KNOWN)})")
        if not variables or len(set(variables)) < len(variables):
            raise ConfigError(
                f"dataset.features.variables must name one or more of {', '.join(KNOWN)}, each at most once, got "
                f"{list(variables)}"
            )
        if not 0 < power < math.inf:
            raise ConfigError(f"dataset.features.power must be > 0, got {power}")
        super().__init__(variables, standardise)
        self.power = power
        width = sum(FIRST[-1] if name == CELLS else 1 for name in self.variables)
        self.mean, self.std = np.zeros(width), np.ones(width)

    def values(self, examples: Ragged) -> NDArray[np.float64]:
        showers = Showers.of(examples)
        return np.concatenate([self._of(name, showers) for name in self.variables], axis=1)

    def _of(self, name: str, showers: Showers) -> NDArray[np.float64]:
        if name == CELLS:
            return showers.cells**self.power
        return (showers.incident if name == "energy" else SHAPES[name].of(showers))[:, None]

    def fit(self, examples: Ragged) -> None:
        super().fit(examples)
        if not self.standardise or CELLS not in self.variables:
            return
        start = self.variables.index(CELLS)  # those before it have one column each
        for layer, n in enumerate(N_CELLS):
            columns = slice(start + FIRST[layer], start + FIRST[layer] + n)
            values = examples["features"][:, columns]
            self.mean[columns] = 0
            self.std[columns] = spread_or_one(values.mean(), values.std())
