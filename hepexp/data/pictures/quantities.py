"""Quantities that characterise examples, and their means over each class."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hepexp.data.physics.kinematics import invariant_mass, polar, sums
from hepexp.data.pictures.view import Channel
from hepexp.data.store.ragged import Ragged

if TYPE_CHECKING:  # pyarrow takes a while to import, and listing data sets needs none
    from hepexp.data.store.store import Store

Values = dict[str, NDArray[np.floating]]  # name with unit: (n,)
Mean = tuple[float, float]  # value and standard error
_ROWS_AT_ONCE = 2000


def jet_values(reader: Callable[[Ragged], Ragged]) -> Callable[[Ragged], Values]:
    """Quantities that characterise jets, from the column p4 that a reader computes."""

    def values(jets: Ragged) -> Values:
        p4 = sums(reader(jets)["p4"], jets)
        pt, rapidity, _ = polar(p4)
        counts = jets.counts.astype(np.float64)
        return {"particles": counts, "mass [GeV]": invariant_mass(p4), "pT [GeV]": pt, "rapidity": rapidity}

    return values


def image_values(
    shape: tuple[int, int, int], channels: tuple[Channel, ...], maxima: bool = True, **units: str
) -> Callable[[Ragged], Values]:
    """Quantities that characterise images: non-zero pixels, sum and maximum per channel, extras with these units."""
    pixels = shape[1] * shape[2]

    def values(images: Ragged) -> Values:
        image = np.repeat(np.arange(len(images)), images.counts)
        channel = images["position"] // pixels
        found: Values = {"non-zero pixels": images.counts.astype(np.float64)}
        for i, drawn in enumerate(channels):
            value = np.where(channel == i, images["value"], 0).astype(np.float64)
            found[f"sum of {drawn.label}"] = np.bincount(image, value, minlength=len(images))
            if maxima:
                highest = np.zeros(len(images))
                np.maximum.at(highest, image, value)
                found[f"maximum of {drawn.label}"] = highest
        return {**found, **{f"{name} [{unit}]": images[name].astype(np.float64) for name, unit in units.items()}}

    return values


def values_of(store: Store, values: Callable[[Ragged], Values], rows: NDArray[np.int64]) -> Values:
    """The quantities of the examples at these rows, computed a few thousand at a time."""
    starts = range(0, len(rows), _ROWS_AT_ONCE)
    parts = [values(store.take(rows[start : start + _ROWS_AT_ONCE])) for start in starts]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def class_means(
    store: Store, values: Callable[[Ragged], Values], most: int = 20_000
) -> Iterator[tuple[int, int, dict[str, Mean]]]:
    """For each label, the number of examples, and means with standard errors over the first `most` of them."""
    for label in np.unique(store.label):
        rows = np.flatnonzero(store.label == label)
        found = values_of(store, values, rows[:most])
        yield (
            int(label),
            len(rows),
            {name: (float(v.mean()), float(v.std() / len(v) ** 0.5)) for name, v in found.items()},
        )
