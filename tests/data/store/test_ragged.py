"""Ragged columns do what lists of lists do."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from hepexp.data.store.ragged import Ragged, offsets_of, pad, regroup

# examples as a user thinks of them: a list of values each, and one value beside it
VALUES = st.lists(st.integers(-50, 50), max_size=6)
EXAMPLES = st.lists(VALUES, min_size=1, max_size=8)
quickly = settings(max_examples=60, deadline=None)


def ragged(lists: list[list[int]]) -> Ragged:
    flat = np.array([value for values in lists for value in values], np.int64)
    return Ragged(
        np.arange(len(lists), dtype=np.int8),
        offsets_of(np.array([len(values) for values in lists], np.int64)),
        {"value": flat, "pair": np.stack([flat, -flat], axis=1)},
        {"first": np.array([values[0] if values else 99 for values in lists])},
    )


def lists(examples: Ragged) -> list[list[int]]:
    assert (examples["pair"] == np.stack([examples["value"], -examples["value"]], axis=1)).all()
    return [part.tolist() for part in np.split(examples["value"], examples.offsets[1:-1])]


@given(EXAMPLES, st.data())
@quickly
def test_take_is_indexing(given_lists, data):
    rows = data.draw(st.lists(st.integers(0, len(given_lists) - 1), max_size=10))
    taken = ragged(given_lists).take(rows)
    assert taken.label.tolist() == rows
    assert taken["first"].tolist() == [given_lists[row][0] if given_lists[row] else 99 for row in rows]
    if rows:
        assert lists(taken) == [given_lists[row] for row in rows]
    start, stop = sorted((data.draw(st.integers(0, len(given_lists))), data.draw(st.integers(0, len(given_lists)))))
    assert ragged(given_lists).take(slice(start, stop)).label.tolist() == list(range(start, stop))


@given(EXAMPLES)
@quickly
def test_keep_is_a_filter(given_lists):
    examples = ragged(given_lists)
    kept = examples.keep(examples["value"] % 3 == 0)
    assert lists(kept) == [[value for value in values if value % 3 == 0] for values in given_lists]
    assert kept.label.tolist() == examples.label.tolist()


@given(EXAMPLES, st.integers(1, 7))
@quickly
def test_largest_keeps_the_head_of_the_sorted_list_in_the_old_order(given_lists, n):
    examples = ragged(given_lists)
    found = lists(examples.largest(n, examples["value"].astype(float)))
    for values, kept in zip(given_lists, found, strict=True):
        assert sorted(kept, reverse=True) == sorted(values, reverse=True)[:n]
        remaining = iter(values)
        assert all(value in remaining for value in kept)  # a subsequence
    assert lists(examples.largest(None, examples["value"])) == given_lists


@given(st.lists(EXAMPLES, min_size=1, max_size=4))
@quickly
def test_concatenate_is_a_sum_of_lists(parts):
    together = Ragged.concatenate(map(ragged, parts))
    assert lists(together) == [values for part in parts for values in part]
    assert together.label.tolist() == [i for part in parts for i in range(len(part))]


@given(st.lists(EXAMPLES, max_size=6), st.integers(1, 2000))
@quickly
def test_regrouping_changes_the_parts_and_nothing_else(parts, n_bytes):
    groups = list(regroup(map(ragged, parts), n_bytes))
    assert [values for group in groups for values in lists(group)] == [values for part in parts for values in part]
    shared = 8 * len(parts)  # the offset between two parts is counted once when they are joined
    assert all(group.nbytes >= n_bytes - shared for group in groups[:-1])


@given(EXAMPLES)
@quickly
def test_padding_adds_zeros_behind(given_lists):
    examples = ragged(given_lists)
    padded = pad(examples["value"], examples.counts)
    longest = max(map(len, given_lists))
    assert padded.tolist() == [values + [0] * (longest - len(values)) for values in given_lists]


def test_elements_of_rows_are_where_the_offsets_say():
    examples = ragged([[1, 2], [], [3], [4, 5, 6]])
    chosen, offsets = examples.elements_of(np.array([3, 1, 0]))
    assert (chosen.tolist(), offsets.tolist()) == ([3, 4, 5, 0, 1], [0, 3, 3, 5])
    chosen, offsets = examples.elements_of(np.array([], np.int64))
    assert (chosen.tolist(), offsets.tolist()) == ([], [0])
