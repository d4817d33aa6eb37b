"""The weight of each example in losses, metrics and figures."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hepexp.data.loading.quantities import Quantities
from hepexp.data.loading.reweighting import FLAT, Reweighting
from hepexp.data.representations.scale import Scaled
from hepexp.data.store.ragged import Ragged
from hepexp.data.store.store import Store
from hepexp.errors import DataError

MOST_ROWS = 200_000  # training examples from which the factors are learnt
_ROWS_AT_ONCE = 2000
_FEWEST = 0.1  # effective number of examples, of those that there are, below which a warning is due

log = logging.getLogger(__name__)


class ExampleWeights(Scaled):
    """Weights: those of the data, times a factor for the bin of a spectrum, times one for the class.

    Parameters
    ----------
    weights : the column of weights, or none.
    variables : the variables of the spectrum, or none.
    balance : `classes` to give all classes the same sum of weights in training, `none` to leave them.
    reweight : how the spectra are changed, if there are variables.
    class_names : of the labels.
    """

    def __init__(
        self,
        weights: Quantities,
        variables: Quantities,
        balance: Literal["none", "classes"],
        reweight: Reweighting,
        class_names: Sequence[str],
    ) -> None:
        self.weights, self.variables = weights, variables
        self.balance, self.reweight = balance, reweight
        self.class_names = tuple(class_names)
        if variables.names:
            reweight.chosen(class_names)  # refuses unknown classes before anything is read
        reweighted = ("edges", "factors") if variables.names else ()
        self.scales = (*reweighted, *(("class_factors",) if balance == "classes" else ()))
        self.class_factors = np.ones(max(len(self.class_names), 1))

    def __bool__(self) -> bool:
        """Whether examples have weights at all."""
        return bool(self.weights.names or self.scales)

    def fit(self, store: Store, rows: NDArray[np.int64], new_label: NDArray[np.int64]) -> None:
        """Learn the factors from the training examples at these rows of a store, from the first of them if many.

        Parameters
        ----------
        new_label : (classes of the store,) new label of each class.

        Raises
        ------
        DataError : a weight is not finite, or the weights, or those of a class that needs it, do not add up to a
            positive number.
        """
        if not self:
            return
        rows = rows[:MOST_ROWS]
        label = new_label[store.label[rows]]
        parts = (store.take(rows[start : start + _ROWS_AT_ONCE]) for start in range(0, len(rows), _ROWS_AT_ONCE))
        columns = [(self._own(part), self.variables(part)) for part in parts]
        weight, values = (np.concatenate(column) for column in zip(*columns, strict=True))
        present = np.unique(label)
        if self.scales:
            self._refuse_empty(weight, label, present)
        if not weight.sum() > 0:
            raise DataError(
                f"dataset.weight: the weights {self.weights.names[0]} in training add up to {weight.sum():.6g}; "
                "expected a positive number"
            )
        if self.variables.names:
            chosen = np.isin(label, self._compared())
            self.edges = self.reweight.edges(values[chosen])
            bins = self.reweight.bins(values, self.edges)
            self.factors = self.reweight.factors(bins, label, weight, self.edges, self.class_names)
            weight = weight * self.factors[label, bins]
            self._warn_of_few(weight, label)
        if self.balance == "classes":
            self._refuse_empty(weight, label, present)
            sums = np.bincount(label, weight, minlength=len(self.class_names))
            self.class_factors[present] = sums[present].mean() / sums[present]

    def _compared(self) -> list[int]:
        """The labels of the classes whose spectra are compared."""
        names = self.class_names
        return [*self.reweight.chosen(names), *([] if self.reweight.to == FLAT else [names.index(self.reweight.to)])]

    def _refuse_empty(self, weight: NDArray[np.float64], label: NDArray[np.int64], present: NDArray[np.int64]) -> None:
        sums = np.bincount(label, weight, minlength=len(self.class_names))
        to = [] if self.reweight.to == FLAT else [self.class_names.index(self.reweight.to)]
        needed = np.union1d(present, np.array(to, np.int64)) if self.variables.names else present
        for of in needed[sums[needed] <= 0]:
            key = "reweight" if self.variables.names else "balance"
            column = f" (dataset.weight={self.weights.names[0]})" if self.weights.names else ""
            raise DataError(
                f"dataset.{key}: the weights of {self.class_names[of]} in training{column} add up to {sums[of]:.6g}; "
                "expected a positive number"
            )

    def _warn_of_few(self, weight: NDArray[np.float64], label: NDArray[np.int64]) -> None:
        """Name the classes of which a few examples with large weights count for nearly all."""
        few = []
        for of in self.reweight.chosen(self.class_names):
            own = weight[label == of]
            if len(own) and (number := own.sum() ** 2 / np.square(own).sum()) < _FEWEST * len(own):
                few.append(f"the {len(own)} training examples of {self.class_names[of]} count as {number:.1f}")
        if few:
            log.warning(
                "data: after dataset.reweight %s, by (sum w)^2 / sum w^2: a few weigh most; choose fewer "
                "dataset.reweight.n_bins, or a spectrum in dataset.reweight.to that is closer",
                ", ".join(few),
            )

    def _own(self, examples: Ragged) -> NDArray[np.float64]:
        """The weights (n,) in the data, 1 where there are none."""
        if not self.weights.names:
            return np.ones(len(examples))
        weight = self.weights(examples)[:, 0]
        if not np.isfinite(weight).all():
            raise DataError(
                f"dataset.weight: {self.weights.names[0]} must be finite, got {weight[~np.isfinite(weight)][0]}"
            )
        return weight

    def __call__(self, examples: Ragged, label: NDArray[np.int64]) -> NDArray[np.float32]:
        """The weights (n,) of examples with these labels (n,); of an unknown class, -1, only those in the data."""
        weight, known = self._own(examples), label >= 0
        if self.variables.names:
            bins = self.reweight.bins(self.variables(examples), self.edges)
            weight = weight * np.where(known, self.factors[label, bins], 1)
        return (weight * np.where(known, self.class_factors[label], 1)).astype(np.float32)
