"""The galaxies that are observed with some scatter of stellar masses, and what follows from them.

A catalogue has the mean log10 of the stellar mass of each galaxy and its deviate, so that log10 M* = mean + scatter x
deviate is drawn anew for any scatter, of the same halos.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hepexp.data.datasets.halos.abundance import shipped
from hepexp.data.datasets.halos.info import LAYOUT
from hepexp.data.datasets.halos.mock import FAINTEST, MASSES, SCATTER, SCATTERS
from hepexp.data.datasets.halos.optimum import Optimum
from hepexp.data.loading.dataset import Extras
from hepexp.data.loading.quantities import Quantities
from hepexp.data.store.ragged import Ragged
from hepexp.data.store.store import Store
from hepexp.data.transforms.transform import Transform
from hepexp.errors import ConfigError

GLOBALS = ("number", "log_stars_total")
OPTIMUM = ("optimal_log_mass", "optimal_sigma")
ROWS_AT_ONCE = 2000


@dataclass(frozen=True)
class Observation:
    """What is observed of a catalogue.

    Parameters
    ----------
    scatter : of log10 of stellar masses, in dex.
    masses : log10 of the least and the largest M200c / (Msun/h) of the halos.

    Raises
    ------
    ConfigError : a scatter, or a range, that the catalogue does not have.
    """

    scatter: float = SCATTER
    masses: tuple[float, float] = MASSES

    def __post_init__(self) -> None:
        if not SCATTERS[0] <= self.scatter <= SCATTERS[1]:
            raise ConfigError(f"dataset.scatter must be from {SCATTERS[0]} to {SCATTERS[1]} dex, got {self.scatter:g}")
        if not MASSES[0] <= self.masses[0] < self.masses[1] <= MASSES[1]:
            raise ConfigError(
                f"dataset.masses must be two rising numbers from {MASSES[0]} to {MASSES[1]}, log10 of M200c / "
                f"(Msun/h), got {list(self.masses)}"
            )

    def log_stars(self, halos: Ragged) -> NDArray[np.float64]:
        """log10 of the stellar masses (m,) of all stored galaxies, in Msun/h."""
        return halos["log_stars_mean"].astype(np.float64) + self.scatter * halos["deviate"]

    def galaxies(self, halos: Ragged) -> Ragged:
        """The galaxies above 10^9 Msun/h, with their stellar masses in a column `log_stars`."""
        log_stars = self.log_stars(halos)
        made = replace(halos, elements={**halos.elements, "log_stars": log_stars})
        return made.keep(log_stars > FAINTEST)

    def visible(self, halos: Ragged, least: int) -> NDArray[np.bool_]:
        """Which halos (n,) have a central galaxy above 10^9 Msun/h, and so many galaxies in all."""
        seen = self.log_stars(halos) > FAINTEST
        number = np.add.reduceat(seen.astype(np.int64), halos.offsets[:-1])
        return seen[halos.offsets[:-1]] & (number >= least)

    def within(self, halos: Ragged) -> NDArray[np.bool_]:
        """Which halos (n,) have the masses that are asked for."""
        low, high = self.masses
        return (halos["log_mass"] >= low) & (halos["log_mass"] <= high)

    def globals(self, halos: Ragged) -> dict[str, NDArray[np.float64]]:
        """Number of galaxies, and log10 of the sum of their stellar masses (n,); 0 where there is none."""
        seen = self.galaxies(halos)
        total = np.bincount(np.repeat(np.arange(len(seen)), seen.counts), 10 ** seen["log_stars"], len(seen))
        return {
            "number": seen.counts.astype(np.float64),
            "log_stars_total": np.log10(np.maximum(total, 1)),
        }


class Observed(Transform):
    """The galaxies that are observed."""

    def __init__(self, observation: Observation) -> None:
        self.observation = observation

    def __call__(self, halos: Ragged) -> Ragged:
        return self.observation.galaxies(halos)


class Globals(Extras):
    """Number of galaxies and log10 of the sum of their stellar masses, standardised over training halos."""

    def __init__(self, observation: Observation, examples: Ragged) -> None:
        self.observation = observation
        super().__init__(GLOBALS, examples)

    def _values(self, examples: Ragged) -> NDArray[np.float64]:
        return np.stack(list(self.observation.globals(examples).values()), axis=1)


class HaloQuantities(Quantities):
    """Stored columns, the global quantities of a halo, and the mass that the mock's own laws give, see `Optimum`."""

    def __init__(self, key: str, names: tuple[str, ...], observation: Observation) -> None:
        more = dict.fromkeys((*GLOBALS, *OPTIMUM), np.float64)
        super().__init__(key, names, replace(LAYOUT, extras={**LAYOUT.extras, **more}))
        self._stored = frozenset(LAYOUT.extras)
        self.observation = observation

    def unit(self, name: str) -> str:
        return "dex" if name in ("log_mass", "log_stars_total", *OPTIMUM) else ""

    def columns(self, examples: Ragged, names: Sequence[str] | None = None) -> dict[str, NDArray]:
        names = self.names if names is None else names
        found: dict[str, NDArray] = {name: examples.extras[name] for name in names if name in self._stored}
        if {*names} & {*GLOBALS}:
            found |= self.observation.globals(examples)
        if {*names} & {*OPTIMUM}:
            optimum = Optimum(self.observation.scatter, self.observation.masses, shipped())
            known = self.observation.visible(examples, 1)  # else a satellite would be taken for the central galaxy
            values = optimum(self.observation.galaxies(examples.take(np.flatnonzero(known))))
            for name, some in zip(OPTIMUM, values, strict=True):
                found[name] = np.full(len(examples), np.nan)
                found[name][known] = some
        return {name: found[name] for name in names}


def rows_where(store: Store, holds: Callable[[Ragged], NDArray[np.bool_]]) -> NDArray[np.bool_]:
    """For which halos (n,) of a store something holds."""
    starts = range(0, len(store), ROWS_AT_ONCE)
    parts = [np.arange(start, min(start + ROWS_AT_ONCE, len(store))) for start in starts]
    return np.concatenate([np.zeros(0, bool), *(holds(store.take(rows)) for rows in parts)])
