"""Examples of one split as batches of tensors, in the representation that the model takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from hepexp.batch import Batch
from hepexp.data.loading.cache import ExampleCache
from hepexp.data.loading.example_weights import ExampleWeights
from hepexp.data.loading.places import Places, places_of
from hepexp.data.loading.quantities import Quantities
from hepexp.data.loading.target_values import TargetValues
from hepexp.data.representations.representation import Common, Representation
from hepexp.data.representations.scale import Scaled, mean_and_spread
from hepexp.data.store.ragged import NO_LABEL, Ragged
from hepexp.data.store.store import Store
from hepexp.data.transforms.shift import Shift

CACHE_BYTES = 128_000_000  # splits whose prepared examples take less than this are cached
_ROWS_AT_ONCE = 2000


class ScaledExtras(Scaled):
    """Additional values of each example, scaled as a subclass says."""

    def __call__(self, examples: Ragged) -> NDArray[np.float32]:
        """Scaled values (n, X) of these examples."""
        raise NotImplementedError


class Extras(ScaledExtras):
    """Additional values of each example, standardised to mean 0 and variance 1 over the training examples.

    Parameters
    ----------
    names : columns among the layout's extras.
    examples : training examples to which mean and variance are fitted.
    """

    scales = ("mean", "std")

    def __init__(self, names: tuple[str, ...], examples: Ragged) -> None:
        self.names = names
        self.mean, self.std = mean_and_spread(self._values(examples))

    def _values(self, examples: Ragged) -> NDArray[np.float64]:
        columns = [examples.extras[name].astype(np.float64) for name in self.names]
        return np.stack(columns, axis=1) if columns else np.zeros((len(examples), 0))

    def __call__(self, examples: Ragged) -> NDArray[np.float32]:
        """Standardised values (n, X) of these examples."""
        return ((self._values(examples) - self.mean) / self.std).astype(np.float32)


@dataclass(frozen=True)
class Unscored:
    """Rows (k,) of a store that no model can score, and their labels."""

    index: NDArray[np.int64]
    label: NDArray[np.int64]


class SplitDataset(Dataset[Batch]):
    """Some rows of a store. Indexing with a list of positions in `rows` returns a whole batch.

    Parameters
    ----------
    store : the examples.
    rows : the rows of the store that belong to this split (n,).
    representation : how they become batches.
    extras : additional values of each example.
    new_label : (classes of the store,) new label of each class; None to keep the labels.
    targets : what is to be predicted for each example; None if that is not wanted, or not known.
    weights : weight of each example; None if they have none.
    observers : quantities that are carried into the predictions; None for none.
    shift : of a stored column, as models read it; None for none.

    Attributes
    ----------
    unscored : rows that are left out, but belong in a table of predictions; None for none.
    """

    unscored: Unscored | None = None

    def __init__(
        self,
        store: Store,
        rows: NDArray[np.int64],
        representation: Representation,
        extras: ScaledExtras,
        new_label: NDArray[np.int64] | None = None,
        targets: TargetValues | None = None,
        weights: ExampleWeights | None = None,
        observers: Quantities | None = None,
        shift: Shift | None = None,
    ) -> None:
        self.store = store
        self.rows = np.asarray(rows, np.int64)
        self.representation = representation
        self.extras = extras
        self.new_label = new_label
        self.targets = targets
        self.weights = weights
        self.observers = observers
        self.shift = shift
        counts = store.counts[self.rows]
        self.counts = counts if representation.longest is None else np.minimum(counts, representation.longest)
        # A small split is prepared once and cached; row i of the cache is example i of the split.
        self._cache: ExampleCache | None = None
        if self._estimate() <= CACHE_BYTES:
            starts = range(0, max(len(self), 1), _ROWS_AT_ONCE)
            parts = [self._read(self.rows[start : start + _ROWS_AT_ONCE]) for start in starts]
            self._cache = ExampleCache([prepared for prepared, _ in parts])
            names = parts[0][1]
            self._cached_common = {name: np.concatenate([common[name] for _, common in parts]) for name in names}

    def _estimate(self) -> float:
        """Size in bytes of the prepared split."""
        some = min(100, len(self))
        return self._read(self.rows[:some])[0].nbytes * len(self) / max(some, 1)

    def _read(self, rows: NDArray[np.int64]) -> tuple[Ragged, dict[str, NDArray]]:
        """The prepared examples at these rows, and the entries that batches of all representations share."""
        examples = self.store.take(rows)
        common = self._common(rows, examples)
        if self.shift is not None:
            examples = self.shift(examples)
            common["extras"] = self.extras(examples)
        return self.representation.prepare(examples), common

    def _common(self, rows: NDArray[np.int64], examples: Ragged) -> dict[str, NDArray]:
        label = self.labels(rows)
        common: dict[str, NDArray] = {"label": label, "index": rows, "extras": self.extras(examples)}
        if self.targets is not None:
            common["target"] = self.targets(examples)
        if self.weights is not None:
            common["weight"] = self.weights(examples, label)
        return common

    def labels(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """The labels (n,) of the examples at these rows of the store."""
        label = self.store.label[rows].astype(np.int64)
        return label if self.new_label is None else np.where(label == NO_LABEL, NO_LABEL, self.new_label[label])

    def observed(self, rows: NDArray[np.int64]) -> dict[str, NDArray]:
        """The observers (n,) of the examples at these rows of the store, stored columns as they are."""
        return {} if self.observers is None else self.observers.at(self.store, rows)

    def places(self, rows: NDArray[np.int64]) -> Places:
        """Where the elements of the examples at these rows of the store are in what was read."""
        return places_of(self.store.take(rows), self.representation)

    @property
    def mean_weight(self) -> float:
        """Mean of the absolute weights, of some thousands of examples if there are many; 1 where there are none."""
        if self.weights is None:
            return 1.0
        if self._cache is not None:
            weight = self._cached_common["weight"]
        else:
            rows = self.rows[:: -(-len(self) // _ROWS_AT_ONCE)]
            weight = self._common(rows, self.store.take(rows))["weight"]
        return float(np.abs(weight).mean(dtype=np.float64)) or 1.0

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, positions: list[int] | NDArray[np.int64]) -> Batch:
        """The batch of the examples at these positions, in this order; its index holds their rows in the store."""
        positions = np.asarray(positions, np.int64)
        if self._cache is not None:
            common = {name: values[positions] for name, values in self._cached_common.items()}
            return self.representation.collate_cached(self._cache, positions, _tensors(common))
        examples, common = self._read(self.rows[positions])
        return self.representation.collate(examples, _tensors(common))


def _tensors(common: Mapping[str, NDArray]) -> Common:
    return cast(Common, {name: torch.from_numpy(values) for name, values in common.items()})
