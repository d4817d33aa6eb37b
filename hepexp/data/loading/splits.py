"""The splits: the publisher's if there are any, otherwise shares: 80, 10 and 10 % unless a data set says otherwise."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from hepexp.data.dataset_info import Part
from hepexp.splits import SPLITS

_SEED = 80_10_10  # independent of a run's seed: all runs share the same test jets


def split_rows(n: int, tenths: tuple[float, float] = (1, 1)) -> dict[str, NDArray[np.int64]]:
    """Rows of each split of n jets, in random order; the splits are disjoint and together contain all rows.

    Subsets are taken from the beginning of a split, so a smaller training set is contained in any larger one.

    Parameters
    ----------
    tenths : of the rows, for validation and for the test.
    """
    order = np.random.default_rng(_SEED).permutation(n)
    test = n - int(n // 10 * tenths[1])
    val = test - int(n // 10 * tenths[0])
    return {"train": order[:val], "val": order[val:test], "test": order[test:]}


def split_events(
    label: NDArray[np.int8], per_event: int, tenths: tuple[float, float] = (1, 1)
) -> dict[str, NDArray[np.int64]]:
    """Rows of each split of examples of which adjacent ones may come from the same event; no event is in two splits.

    Each class is divided in the order in which it was generated. Between two splits, `per_event` - 1 examples are left
    out: an event with examples on both sides of the gap would have more than `per_event`.

    Parameters
    ----------
    label : (n,) class of each example.
    per_event : maximum number of examples from one event; they have the same label and are adjacent.
    tenths : of the examples, for validation and for the test.
    """

    def share(k: int, of: float) -> int:
        return int(k * of // 10)

    n, gap = len(label), per_event - 1
    order = np.argsort(label, kind="stable")
    parts: dict[str, list[NDArray[np.int64]]] = {name: [] for name in SPLITS}
    for start, end in pairwise([0, *np.cumsum(np.unique(label, return_counts=True)[1]).tolist()]):
        # adds up to these shares of all examples, even if a class has fewer than ten
        n_test = share(end, tenths[1]) - share(start, tenths[1])
        n_val = share(n - start, tenths[0]) - share(n - end, tenths[0])
        test = end - n_test
        val_end = max(start, test - gap * (n_test > 0))
        val = max(start, val_end - n_val)
        train_end = max(start, val - gap * (n_val > 0))
        for name, rows in zip(SPLITS, (order[start:train_end], order[val:val_end], order[test:end]), strict=True):
            parts[name].append(rows)
    random = np.random.default_rng(_SEED)
    return {name: random.permutation(np.concatenate(rows)) for name, rows in parts.items()}


def published_splits(
    parts: tuple[Part, ...], sizes: list[int], tenths: tuple[float, float] = (1, 1)
) -> dict[str, NDArray[np.int64]]:
    """Rows of each split: the publisher's if there is one, otherwise those of `split_rows`.

    If only training and test files are published, a twelfth of the training examples is used for validation, as in the
    customary 55,000 + 5,000 of MNIST.
    """
    if all(part.split is None for part in parts):
        return split_rows(sum(sizes), tenths)
    bounds = np.concatenate([[0], np.cumsum(sizes)])
    rows: dict[str, NDArray[np.int64]] = {
        split: np.concatenate(
            [np.zeros(0, np.int64)]
            + [np.arange(bounds[i], bounds[i + 1]) for i, part in enumerate(parts) if part.split == split]
        )
        for split in SPLITS
    }
    # in random order, as subsets are taken from the beginning of a split and files are often sorted by class
    rows = {
        split: ordered[np.random.default_rng(len(ordered)).permutation(len(ordered))] for split, ordered in rows.items()
    }
    if not len(rows["val"]):
        n_val = len(rows["train"]) // 12
        rows["train"], rows["val"] = rows["train"][n_val:], rows["train"][:n_val]
    return rows
