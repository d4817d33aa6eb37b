"""The real numbers that a model is to predict for each example."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from hepexp.batch import Target
from hepexp.data.loading.quantities import Quantities
from hepexp.data.representations.scale import Scaled, mean_and_spread
from hepexp.data.store.ragged import Ragged
from hepexp.errors import DataError


class TargetValues(Scaled):
    """Targets of each example, in their own units; their mean and spread over training examples go into the DataSpec.

    Parameters
    ----------
    names : name of each target, and the quantity that it is.
    quantities : those quantities, in the same order.
    examples : training examples, over which mean and standard deviation are taken.

    Raises
    ------
    DataError : a target is the same for all of these examples, or is not a finite number.
    """

    scales = ("mean", "std")

    def __init__(self, names: Mapping[str, str], quantities: Quantities, examples: Ragged) -> None:
        self.names = dict(names)
        self.quantities = quantities
        values = quantities(examples)
        for name, column in zip(self.names, values.T, strict=True):
            if not np.isfinite(column).all():
                raise DataError(f"target {name} must be finite, got {column[~np.isfinite(column)][0]} among training")
            if np.ptp(column) <= 1e-6 * np.abs(column).max():
                raise DataError(
                    f"target {name} is {column[0]:.6g} for all of the first {len(column):,} training examples: there "
                    "is nothing to learn; choose another in dataset.targets"
                )
        self.mean, self.std = mean_and_spread(values)

    @property
    def targets(self) -> tuple[Target, ...]:
        """Their description for the model and the loss."""
        columns = zip(self.names.items(), self.mean.tolist(), self.std.tolist(), strict=True)
        return tuple(
            Target(name, unit=self.quantities.unit(quantity), mean=mean, std=std)
            for (name, quantity), mean, std in columns
        )

    def __call__(self, examples: Ragged) -> NDArray[np.float32]:
        """The targets (n, T) of these examples."""
        return self.quantities(examples).astype(np.float32)
