"""What a data set fits to its training examples, and keeps in a checkpoint."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

import numpy as np
import torch
from torch import Tensor

from hepexp.data.loading.dataset import Extras, ScaledExtras
from hepexp.data.loading.examples import Examples
from hepexp.data.loading.target_values import TargetValues
from hepexp.data.representations.scale import Scaled
from hepexp.data.store.ragged import Ragged

_ROWS_TO_FIT = 2000  # training examples to which scales are fitted


class FittedScales(Examples):
    """A base of HepDataModule: the scales of its inputs and targets, and the weights of its examples."""

    def fit_inputs(self, examples: Ragged) -> None:
        """Fit what is needed from the data before it is represented, to some training examples with all columns."""

    def make_extras(self, examples: Ragged) -> ScaledExtras:
        """The additional inputs, scaled by some training examples."""
        return Extras(self.extra_names, examples)

    @property
    def additional(self) -> ScaledExtras:
        """The additional inputs of each example, with their scales; available after `setup`."""
        return self._extras

    def fit_scales(self, rows: np.ndarray) -> None:
        """Fit all of them to the training examples, at these rows (n,) of the store.

        Raises
        ------
        DataError : no training example has one of the targets of elements or edges.
        """
        some = self.store.take(rows[:_ROWS_TO_FIT])
        self._extras = self.make_extras(some)
        if self._target_quantities.names:
            self._targets = TargetValues(self.named_targets(), self._target_quantities, some)
        self._element_targets.fit(some)
        self.fit_inputs(some)
        self._weights.fit(self.store, rows, self.new_label)
        prepared = self.representation.prepare(some)
        self.representation.fit(prepared)
        self._element_targets.refuse_unknown(chain([prepared], self._prepared(rows[_ROWS_TO_FIT:])))

    def _prepared(self, rows: np.ndarray) -> Iterator[Ragged]:
        """Examples of the store in parts, as the representation prepares them."""
        for start in range(0, len(rows), _ROWS_TO_FIT):
            yield self.representation.prepare(self.store.take(rows[start : start + _ROWS_TO_FIT]))

    def state_dict(self) -> dict[str, Tensor]:
        """The scales fitted to the training examples, for a checkpoint, which calls the representation `form`."""
        return {
            f"{part}.{name}": value for part, scaled in self._scaled().items() for name, value in scaled.state().items()
        }

    def _scaled(self) -> dict[str, Scaled]:
        parts: dict[str, Scaled] = {
            "form": self.representation,
            "extras": self._extras,
            "weights": self._weights,
        }
        if self._targets:
            parts["targets"] = self._targets
        if self._element_targets.reals:
            parts["element_targets"] = self._element_targets
        return parts

    def load_state_dict(self, state_dict: dict[str, Tensor]) -> None:
        """Use the scales of a checkpoint in place of those fitted to this source; call after `setup`."""
        if all(torch.equal(value, state_dict[name]) for name, value in self.state_dict().items()):
            return  # as on a resume: the cached examples remain valid
        for part, scaled in self._scaled().items():
            scaled.load_state({name: state_dict[f"{part}.{name}"] for name in scaled.scales})
        self.splits = {name: self._dataset(self.store, examples.rows) for name, examples in self.splits.items()}
