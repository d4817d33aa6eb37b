"""Splits by a fixed hash of what identifies an event, so that other files move no event from one split to another."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from hepexp.errors import ConfigError, DataError
from hepexp.splits import SPLITS, Split

Numbers = NDArray[np.uint64]


def check_fractions(fractions: Mapping[Split, float]) -> None:
    """Raise ConfigError unless these are positive fractions of train, val and test with the sum 1."""
    if set(fractions) != set(SPLITS) or not all(0 < fractions[name] < 1 for name in SPLITS):
        raise ConfigError(f"dataset.fractions must be fractions > 0 of {', '.join(SPLITS)}, got {dict(fractions)}")
    if abs(sum(fractions.values()) - 1) > 1e-9:
        raise ConfigError(f"dataset.fractions must have the sum 1, got {sum(fractions.values()):g}")


def scrambled(numbers: Numbers) -> Numbers:
    """A hash (n,) of 64 bits: the finaliser of SplitMix64 (Steele, Lea, Flood 2014, doi:10.1145/2660193.2660195)."""
    with np.errstate(over="ignore"):
        numbers = numbers + np.uint64(0x9E3779B97F4A7C15)
        numbers = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        numbers = (numbers ^ (numbers >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return numbers ^ (numbers >> np.uint64(31))


def hash_of(*columns: NDArray) -> Numbers:
    """A hash (n,) of the numbers (n,) in each row, whether they are stored as integers or not."""
    result = np.zeros(len(columns[0]), np.uint64)
    for column in columns:
        if column.dtype.kind == "f":
            whole = column == np.round(column)
            wide = np.where(whole & (abs(column) < 2**53), column, 0).astype(np.int64).view(np.uint64)
            bits = np.where(whole & (abs(column) < 2**53), wide, column.astype(np.float64).view(np.uint64))
        else:
            bits = column.astype(np.uint64, casting="unsafe")
        result = scrambled(result ^ bits)
    return result


def by_hash(event: Numbers, fractions: Mapping[Split, float]) -> dict[str, NDArray[np.int64]]:
    """Rows of each split, in the order of a second hash, so that the first of them are a random subset.

    Parameters
    ----------
    event : (n,) hash of what identifies each event; rows with the same one are in the same split.
    """
    place = event / 2.0**64
    bounds = np.cumsum([fractions[name] for name in SPLITS])
    of = np.minimum(np.searchsorted(bounds, place, side="right"), len(SPLITS) - 1)
    order = np.argsort(scrambled(event), kind="stable")
    return {name: order[of[order] == i] for i, name in enumerate(SPLITS)}


def refuse_shared(event: Numbers, splits: Mapping[str, NDArray[np.int64]], what: str) -> None:
    """Raise DataError for an event that is in two of the splits that separate files give."""
    names = list(splits)
    for i, a in enumerate(names):
        for b in names[i + 1 :]:
            shared = np.intersect1d(event[splits[a]], event[splits[b]])
            if len(shared):
                row = int(splits[a][np.isin(event[splits[a]], shared)].min())
                raise DataError(
                    f"dataset.event_id: {len(shared):,} events are in the files of {a} and of {b}, such as {what}"
                    f" of example {row}; use each event in one split only"
                )
