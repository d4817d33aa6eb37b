"""What the examples of a data set have that can be learnt, and how much each of them counts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from hepexp.data.loading.examples import Examples
from hepexp.data.loading.quantities import Quantities
from hepexp.data.transforms.carry import Carry
from hepexp.data.transforms.transform import Transform


class TargetsAndWeights(Examples):
    """A base of HepDataModule, which has the keys that name them."""

    @property
    def weighted(self) -> bool:
        """Whether its examples have weights."""
        return bool(self._weights)

    @property
    def mean_weight(self) -> float:
        """Mean absolute weight of the training examples; available after `setup`."""
        return self.splits["train"].mean_weight

    @property
    def offers(self) -> set[tuple[str, str]]:
        """What its examples have that can be learnt, as pairs such as (example, class) and (example, real)."""
        found = {("example", "class")} if self.class_names else set()
        found |= {("example", "real")} if self._target_quantities.names else set()
        return found | {(target.of, target.kind) for target in self._element_targets.targets}

    def carry(self) -> list[Transform]:
        """The first step of those representations whose elements are those of the store, if they have targets."""
        targets = self._element_targets
        return [Carry(targets.reals, tuple(targets.labels), targets.groups)] if targets else []

    def quantities(self, names: Sequence[str]) -> Callable[[np.ndarray], dict[str, np.ndarray]]:
        """What gives stored columns or observables, (n,) each, of the examples at rows (n,) of the store."""
        asked = self._quantities("observers", names)
        return lambda rows: asked.at(self.store, rows)

    def _quantities(self, key: str, names: Iterable[str]) -> Quantities:
        return Quantities(key, tuple(names), self.info.layout, self.as_particles())
