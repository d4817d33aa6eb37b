"""Missing values of Arrow arrays, which are no numbers of any kind: counted, where a file is only described."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


@dataclass
class Missing:
    """How many values of each array were missing among those that were read.

    Parameters
    ----------
    numbers : read as NaN.
    lists : read as empty.
    """

    numbers: Counter[str] = field(default_factory=Counter)
    lists: Counter[str] = field(default_factory=Counter)

    def filled(self, array: pa.Array, name: str) -> pa.Array:
        """The array without missing values, which are added to those of this name; whole numbers may become real."""
        if pa.types.is_fixed_size_list(array.type):
            if array.null_count:
                array = pc.coalesce(array, pa.scalar([None] * array.type.list_size, array.type))
            numbers = self.filled(array.flatten(), name)
            return pa.FixedSizeListArray.from_arrays(numbers, array.type.list_size)
        if pa.types.is_list(array.type) or pa.types.is_large_list(array.type):
            self.lists[name] += array.null_count
            lengths = pc.fill_null(pc.list_value_length(array), 0).to_numpy(zero_copy_only=False)
            offsets = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])
            return pa.LargeListArray.from_arrays(pa.array(offsets), self.filled(array.flatten(), name))
        if not array.null_count:
            return array
        self.numbers[name] += array.null_count
        return pc.fill_null(array.cast(pa.float64()), np.nan)
