"""The examples of a data set as they would be with a systematic shift."""

from __future__ import annotations

import numpy as np

from hepexp.data.loading.examples import Examples
from hepexp.data.representations.representation import Representation
from hepexp.data.transforms.resolution import Resolution
from hepexp.data.transforms.shift import P4, Shift


class Shifts(Examples):
    """A base of HepDataModule, of whose examples it shifts what models read; targets, weights and observers stay.

    What is fitted to the training examples, such as scales, stays as it is too.
    """

    _nominal: Representation | None = None  # the representation without a shift

    def shift(self, shift: Shift | None, split: str) -> None:
        """Serve a split with a shift, in place of any before, or as it is; after `setup`.

        Raises
        ------
        ConfigError : there is no such column.
        """
        if self._nominal is None:
            self._nominal = self.representation
        if shift is not None:
            shift.check(self.columns_to_shift())
        self.stored_shift = shift if shift is not None and shift.column != P4 else None
        self.representation = self._nominal
        if shift is not None and shift.column == P4:
            steps, place = self._nominal.transforms, self._place_of_momenta()
            inserted = shift.of_momenta(steps[place - 1].mass_scalar)
            place += place < len(steps) and isinstance(steps[place], Resolution)  # its noise must not change
            self.representation = self._nominal.with_transforms(*steps[:place], inserted, *steps[place:])
        self.splits[split] = self._dataset(self.store, self.splits[split].rows)

    def columns_to_shift(self) -> list[str]:
        """`p4` if models read four-momenta, and the stored columns of real numbers."""
        layout = self.info.layout
        stored = {**layout.elements, **layout.extras}
        real = [name for name, kind in stored.items() if np.issubdtype(np.dtype(kind), np.floating)]
        return [P4, *real] if self._place_of_momenta() else real

    def _place_of_momenta(self) -> int:
        """The number of steps of the representation until there are four-momenta; 0 if there never are any."""
        examples = self.store.take(self.splits["train"].rows[:1])
        steps = (self._nominal or self.representation).transforms
        for place, step in enumerate(steps, 1):
            examples = step(examples)
            if P4 in examples.elements:
                return place
        return 0
