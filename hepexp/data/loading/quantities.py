"""Real numbers of each example by name: columns of the store, or observables of its particles."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from hepexp.config.suggest import did_you_mean
from hepexp.data.keys import require_different
from hepexp.data.physics.observables import OBSERVABLES, SUBJETTINESS, UNITS, Jets
from hepexp.data.store import limits
from hepexp.data.store.ragged import Layout, Ragged
from hepexp.data.store.store import Store
from hepexp.data.transforms.transform import Transform
from hepexp.errors import ConfigError

_ROWS_AT_ONCE = 2000
_IN_GEV = (limits.ENERGY, limits.MASS)


class Quantities:
    """Some quantities of each example.

    Parameters
    ----------
    key : key of the data set that names them, for error messages.
    names : columns of the store with one number per example, or observables of hepexp.data.physics.observables.
    layout : of the store.
    particles : steps from the columns of the store to a column p4; None if the examples do not consist of particles.

    Raises
    ------
    ConfigError : a name is unknown or given twice, or an observable needs FastJet, which is not installed.
    """

    def __init__(
        self, key: str, names: Sequence[str], layout: Layout, particles: Sequence[Transform] | None = None
    ) -> None:
        known = (*layout.extras, *(OBSERVABLES if particles is not None else ()))
        for name in names:
            if name not in known:
                there_are = ", ".join(known) or "none"
                raise ConfigError(
                    f"dataset.{key}: unknown {name!r}{did_you_mean(str(name), known)} (known: {there_are})"
                )
            if name in SUBJETTINESS and name not in layout.extras and find_spec("fastjet") is None:
                raise ConfigError(
                    f"dataset.{key}: {name} needs FastJet; fastjet is not installed; pip install 'hepexp[generate]'"
                )
        require_different(key, names)
        self.names = tuple(names)
        self._stored = frozenset(layout.extras)
        self._limits = layout.limits
        self._particles = tuple(particles or ())

    def unit(self, name: str) -> str:
        """The unit of a quantity; empty if it has none, or if it is not known."""
        if name in self._stored:
            return "GeV" if self._limits.get(name) in _IN_GEV else ""
        return UNITS.get(name, "")

    def __call__(self, examples: Ragged) -> NDArray[np.float64]:
        """The quantities (n, Q) of examples with the columns of the store."""
        values = np.empty((len(examples), len(self.names)))
        for column, found in enumerate(self.columns(examples).values()):
            values[:, column] = found
        return values

    def columns(self, examples: Ragged, names: Sequence[str] | None = None) -> dict[str, NDArray]:
        """The same quantities by name, or some of them, each (n,), stored ones in their own type."""
        names = self.names if names is None else names
        if self._stored.issuperset(names):
            return {name: examples.extras[name] for name in names}
        jets = self._jets(examples)
        return {name: examples.extras[name] if name in self._stored else OBSERVABLES[name](jets) for name in names}

    def at(self, store: Store, rows: NDArray[np.int64]) -> dict[str, NDArray]:
        """The same of the examples at these rows (n,) of a store, read in parts; without columns that it lacks."""
        names = [name for name in self.names if name in store.layout.extras or name not in self._stored]
        if not names:
            return {}
        starts = range(0, max(len(rows), 1), _ROWS_AT_ONCE)
        parts = [self.columns(store.take(rows[start : start + _ROWS_AT_ONCE]), names) for start in starts]
        return {name: np.concatenate([part[name] for part in parts]) for name in names}

    def _jets(self, examples: Ragged) -> Jets:
        for transform in self._particles:
            examples = transform(examples)
        return Jets(examples)
