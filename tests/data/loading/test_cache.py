"""What is taken from cached examples is what taking and padding them gives."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hepexp.data.loading.cache import ExampleCache
from hepexp.data.store.ragged import Ragged, pad
from tests.data.conftest import assert_same
from tests.data.store.test_ragged import EXAMPLES, ragged


@given(st.lists(EXAMPLES, min_size=1, max_size=3), st.data())
@settings(max_examples=60, deadline=None)
def test_padded_columns_are_what_take_and_pad_give(parts, data):
    parts = [ragged(part) for part in parts]
    examples = Ragged.concatenate(parts)
    rows = np.array(data.draw(st.lists(st.integers(0, len(examples) - 1), max_size=10)), np.int64)
    cache, taken = ExampleCache(parts), examples.take(rows)
    places, there = cache.padded(rows)
    for name in ("value", "pair"):
        np.testing.assert_array_equal(cache.examples[name][places], pad(taken[name], taken.counts))
    np.testing.assert_array_equal(there.sum(1), taken.counts)
    assert_same(cache.examples.take(rows), taken)
