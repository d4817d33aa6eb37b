"""Halos: how heavy are they, by the galaxies in them?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hepexp.data.datasets.halos.galaxies import GLOBALS, Globals, HaloQuantities, Observation, Observed, rows_where
from hepexp.data.datasets.halos.graph import GalaxyGraph
from hepexp.data.datasets.halos.info import INFO
from hepexp.data.datasets.halos.mock import MASSES
from hepexp.data.keys import require_at_least, require_at_most
from hepexp.data.loading.datamodule import HepDataModule
from hepexp.data.loading.dataset import ScaledExtras
from hepexp.data.loading.quantities import Quantities
from hepexp.data.loading.split_store import SplitStore
from hepexp.data.representations.representation import Representation
from hepexp.data.store.ragged import Ragged
from hepexp.data.store.store import Store
from hepexp.errors import ConfigError


class Halos(HepDataModule):
    """Halos of a mock catalogue with the galaxies above 10^9 Msun/h, of which one is central and the others satellites.

    A model gets the galaxies, their number, and the sum of their stellar masses. The observers `optimal_log_mass` and
    `optimal_sigma` are mean and standard deviation of the posterior of the mass under the mock's own laws, given all
    that. No function of these data has a smaller mean square error, see `optimum.py`.

    Parameters
    ----------
    scatter : of log10 of stellar masses about their mean for the mass of a (sub)halo, in dex: another mock of the same
        halos.
    masses : log10 of the least and the largest M200c / (Msun/h) of the halos; null for all. It is known to the optimum.
    least_galaxies : halos with fewer are left out.
    targets : the logarithm log10 M200c / (Msun/h).
    graph : which galaxies are joined.

    Raises
    ------
    ConfigError : a value out of range, or no halo with such a mass, or with so many galaxies.

    References
    ----------
    P. Villanueva-Domingo et al., arXiv:2111.08683.
    """

    info = INFO

    source: Literal["auto", "mini", "generate"] = "auto"
    batch_size: int = 128
    scatter: float = 0.15
    masses: Sequence[float] | None = None
    least_galaxies: int = 2
    targets: Sequence[str] = ("log_mass",)
    observers: Sequence[str] = ("optimal_log_mass", "optimal_sigma")
    graph: GalaxyGraph | None = None
    n_files: None = field(default=None, init=False)
    views: None = field(default=None, init=False)

    def __post_init__(self) -> None:
        masses = tuple(MASSES if self.masses is None else self.masses)
        if len(masses) != 2:
            raise ConfigError(f"dataset.masses must be two rising numbers or null, got {list(masses)}")
        require_at_least(2, least_galaxies=self.least_galaxies)
        require_at_most(10_000, least_galaxies=self.least_galaxies)
        self.observation = Observation(self.scatter, (masses[0], masses[1]))
        super().__post_init__()
        self.extra_names = GLOBALS

    def make_representations(self) -> list[Representation]:
        return [(self.graph or GalaxyGraph()).with_transforms(Observed(self.observation))]

    def make_extras(self, examples: Ragged) -> ScaledExtras:
        return Globals(self.observation, examples)

    def arrange(self, opened: SplitStore) -> SplitStore:
        """Only the halos that are asked for, and that are seen with this scatter."""
        within = rows_where(opened.store, self.observation.within)
        kept = within & self.can_score(opened.store)
        if not kept.any():
            low, high = self.observation.masses
            if not (within & self._visible(opened.store, 2)).any():
                raise ConfigError(
                    f"dataset.masses={[low, high]}: no halo from 10^{low:g} to 10^{high:g} Msun/h has a central galaxy "
                    "and a satellite; choose a wider range"
                )
            raise ConfigError(
                f"dataset.least_galaxies={self.least_galaxies}: no halo has so many, of those from 10^{low:g} to "
                f"10^{high:g} Msun/h; choose fewer, or a wider range in dataset.masses"
            )
        return replace(opened, splits={name: rows[kept[rows]] for name, rows in opened.splits.items()})

    def can_score(self, store: Store) -> NDArray[np.bool_]:
        """Only halos with a central galaxy and enough satellites, of whatever mass."""
        return self._visible(store, self.least_galaxies)

    def _visible(self, store: Store, least: int) -> NDArray[np.bool_]:
        return rows_where(store, lambda halos: self.observation.visible(halos, least))

    @property
    def scored_if(self) -> str:
        return f"has a central galaxy and dataset.least_galaxies={self.least_galaxies} in all above 10^9 Msun/h"

    def _quantities(self, key: str, names: Iterable[str]) -> Quantities:
        return HaloQuantities(key, tuple(names), self.observation)
