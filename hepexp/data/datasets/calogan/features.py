"""Representation `features` of showers: the energies of all cells, and shapes."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hepexp.batch import FeatureBatch
from hepexp.config.suggest import did_you_mean
from hepexp.data.datasets.calogan import fractions
from hepexp.data.datasets.calogan.calorimeter import FIRST, N_CELLS
from hepexp.data.datasets.calogan.info import OVERFLOW
from hepexp.data.datasets.calogan.shapes import SHAPES, Showers
from hepexp.data.representations.scale import spread_or_one
from hepexp.data.representations.variables import Variables
from hepexp.data.store.images import from_dense
from hepexp.data.store.ragged import Ragged
from hepexp.errors import ConfigError

CELLS = "cells"
LAYERS, LOG_CELLS = "layer_fractions", "log_cells"
_MOST_THRESHOLD = 1e5  # MeV, the energy of the whole shower
KNOWN = (CELLS, LAYERS, LOG_CELLS, "energy", *SHAPES)
WIDTHS = {CELLS: FIRST[-1], LOG_CELLS: FIRST[-1], LAYERS: len(N_CELLS)}  # of variables that are several numbers


class ShowerFeatures(Variables):
    """The energies of the cells, layer by layer, the energy of the particle, and shapes of the shower.

    Parameters
    ----------
    variables : in the order wanted, of cells (504 numbers, MeV), energy (of the particle, GeV), the shapes that are
        defined in hepexp.data.datasets.calogan.shapes, and, for generators, layer_fractions (3) and log_cells (504),
        see hepexp.data.datasets.calogan.fractions.
    power : power to which the energies of cells are raised: 0.5 enhances weak cells relative to the hottest ones.
    standardise : scale each variable to mean 0 and variance 1 over the training showers, and the cells of each layer by
        their common standard deviation, so that empty ones of `cells` stay 0; if false, keep the units.
    threshold : in MeV: cells of generated showers that have less are empty; in showers generated as `log_cells`, which
        are empty or not without it, the weakest cells have so much. Of the simulated cells that are hit, 1 % have less
        than 0.01.

    Raises
    ------
    ConfigError : a variable is unknown or given twice, none is given, or a number is out of range.
    """

    def __init__(
        self,
        variables: Sequence[str] = (CELLS, "energy"),
        power: float = 0.5,
        standardise: bool = True,
        threshold: float = 0.01,
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
        if not 0 <= threshold <= _MOST_THRESHOLD:
            raise ConfigError(f"dataset.features.threshold must be 0 to {_MOST_THRESHOLD:g} MeV, got {threshold}")
        super().__init__(variables, standardise)
        self.power, self.threshold = power, threshold
        only_cells = self.variables == (CELLS,) and power == 1 and not standardise
        self.feature_unit = "MeV" if only_cells else ""
        self.sizes = tuple(WIDTHS.get(name, 1) for name in self.variables)
        self.mean, self.std = np.zeros(sum(self.sizes)), np.ones(sum(self.sizes))

    def values(self, examples: Ragged) -> NDArray[np.float64]:
        showers = Showers.of(examples)
        return np.concatenate([self._of(name, showers) for name in self.variables], axis=1)

    def _of(self, name: str, showers: Showers) -> NDArray[np.float64]:
        if name == CELLS:
            return showers.cells**self.power
        if name == LAYERS:
            return fractions.of_layers(showers)
        if name == LOG_CELLS:
            return fractions.log_cells(showers.cells)
        return (showers.incident if name == "energy" else SHAPES[name].of(showers))[:, None]

    def fit(self, examples: Ragged) -> None:
        super().fit(examples)
        for name in (CELLS, LOG_CELLS):
            if self.standardise and name in self.variables:
                start = self._columns(name).start
                for layer, n in enumerate(N_CELLS):
                    columns = slice(start + FIRST[layer], start + FIRST[layer] + n)
                    values = examples["features"][:, columns]
                    self.mean[columns] = 0 if name == CELLS else values.mean(0)
                    self.std[columns] = spread_or_one(values.mean(), values.std())

    def _columns(self, name: str) -> slice:
        """Where the numbers of a variable are among the features."""
        k = self.variables.index(name)
        return slice(sum(self.sizes[:k]), sum(self.sizes[: k + 1]))

    def decode(self, batch: FeatureBatch, like: Ragged) -> Ragged:
        """Showers with the energies of the cells, and of the particle of `like`; nothing is outside the cells."""
        values = batch.features.detach().double().cpu().numpy() * self.std + self.mean
        if CELLS in self.variables:
            cells = np.maximum(values[:, self._columns(CELLS)], 0) ** (1 / self.power)
            cells[cells < self.threshold] = 0
        elif LOG_CELLS in self.variables:
            cells = fractions.cells(values[:, self._columns(LOG_CELLS)], self.threshold)
            if LAYERS in self.variables:
                cells = fractions.with_layers(cells, values[:, self._columns(LAYERS)], like["energy"])
        else:
            return super().decode(batch, like)
        outside = dict.fromkeys(OVERFLOW, np.zeros(len(cells)))  # of which nothing is known
        return from_dense(like.label, cells, energy=like["energy"], **outside)
