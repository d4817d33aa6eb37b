"""No event is in two splits, and each split has its share of every class."""

import numpy as np
import pytest

from hepexp.data.datasets.jetclass import info as jetclass
from hepexp.data.datasets.top import info as top
from hepexp.data.loading.split_store import open_source
from hepexp.data.loading.splits import split_events
from hepexp.splits import SPLITS


def made_in_turn(n: int, n_classes: int, per_event: int, block: int) -> tuple[np.ndarray, np.ndarray]:
    """Label and event (n,) of examples made in blocks of each class in turn, 1 to per_event of them of one event."""
    label = np.arange(n) // block % n_classes
    new_block = np.diff(label, prepend=-1) != 0
    random = np.random.default_rng(n)
    event = np.cumsum(new_block | (random.random(n) < 0.4))
    for _ in range(n):  # cut what is longer than per_event
        long = np.flatnonzero(event[per_event:] == event[:-per_event])
        if not len(long):
            break
        event[long[0] + per_event :] += 1
    return label.astype(np.int8), event


@pytest.mark.parametrize(
    ("n", "n_classes", "per_event"), [(10, 2, 2), (10, 10, 2), (37, 10, 2), (600, 10, 2), (900, 3, 4)]
)
def test_no_event_is_in_two_splits(n: int, n_classes: int, per_event: int):
    label, event = made_in_turn(n, n_classes, per_event, block=max(n // 30, 1))
    rows = split_events(label, per_event)
    events = [set(event[rows[name]]) for name in SPLITS]
    assert sum(map(len, events)) == len(set.union(*events))
    everything = np.concatenate(list(rows.values()))
    assert len(everything) == len(set(everything)) >= n - 2 * (per_event - 1) * n_classes
    assert len(rows["test"]) == n // 10
    assert 1 <= len(rows["val"]) <= n // 10


@pytest.mark.parametrize("info", [top.INFO, jetclass.INFO], ids=lambda info: info.name)
def test_of_the_shipped_jets_no_neighbours_of_a_class_are_in_two_splits(info):
    """Jets of one event are neighbours; a split row by row would cut a third of such pairs."""
    opened = open_source(info, "mini")
    store, n_classes = opened.store, len(info.classes)
    split = np.full(len(store), -1)
    for i, name in enumerate(SPLITS):
        split[opened.splits[name]] = i
    one_class = store.label[1:] == store.label[:-1]
    both_used = (split[1:] >= 0) & (split[:-1] >= 0)
    assert (split[1:] == split[:-1])[one_class & both_used].all()
    per_class = [np.bincount(store.label[opened.splits[name]], minlength=n_classes) for name in ("val", "test")]
    assert (np.array(per_class) == len(store) // 10 // n_classes).all()
    assert len(opened.splits["train"]) == len(store) * 8 // 10 - 2 * n_classes
