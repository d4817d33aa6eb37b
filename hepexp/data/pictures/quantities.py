"""Quantities that characterise examples, and their means over each class."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hepexp.data.physics.kinematics import invariant_mass, polar, sums
from hepexp.data.pictures.image_view import ImageView
from hepexp.data.pictures.view import labelled
from hepexp.data.store.ragged import Ragged
from hepexp.data.transforms.transform import Transform

if TYPE_CHECKING:  # pyarrow takes a while to import, and listing data sets needs none
    from hepexp.data.store.store import Store

Quantities = dict[str, NDArray[np.floating]]  # name with unit: (n,)
Mean = tuple[float, float]  # value and standard error
_ROWS_AT_ONCE = 2000


def jet_quantities(particles: Transform) -> Callable[[Ragged], Quantities]:
    """Quantities that characterise jets, from the column p4 that a transform computes."""

    def quantities(jets: Ragged) -> Quantities:
        p4 = sums(particles(jets)["p4"], jets)
        pt, rapidity, _ = polar(p4)
        counts = jets.counts.astype(np.float64)
        return {"particles": counts, "mass [GeV]": invariant_mass(p4), "pT [GeV]": pt, "rapidity": rapidity}

    return quantities


def image_quantities(view: ImageView, maxima: bool = True, **units: str) -> Callable[[Ragged], Quantities]:
    """Quantities that characterise images: non-zero pixels, sum and maximum per channel, extras with these units."""
    pixels = view.shape[1] * view.shape[2]

    def quantities(images: Ragged) -> Quantities:
        image = np.repeat(np.arange(len(images)), images.counts)
        channel = images["position"] // pixels
        found: Quantities = {"non-zero pixels": images.counts.astype(np.float64)}
        for i, drawn in enumerate(view.channels):
            value = np.where(channel == i, images["value"], 0).astype(np.float64)
            found[f"sum of {drawn.label}"] = np.asarray(np.bincount(image, value, minlength=len(images)), float)
            if maxima:
                highest = np.zeros(len(images))
                np.maximum.at(highest, image, value)
                found[f"maximum of {drawn.label}"] = highest
        return found | {labelled(name, unit): images[name].astype(np.float64) for name, unit in units.items()}

    return quantities


def column_quantities(examples: Ragged) -> Quantities:
    """The number of elements, the values of each example, and the means of the columns over its elements."""
    found: Quantities = {"elements": examples.counts.astype(np.float64)}
    found |= {name: column.astype(np.float64) for name, column in examples.extras.items()}
    for name, column in examples.elements.items():
        found[f"mean {name}"] = sums(column.astype(np.float64), examples) / np.maximum(examples.counts, 1)
    return found


def quantities_of(store: Store, quantities: Callable[[Ragged], Quantities], rows: NDArray[np.int64]) -> Quantities:
    """The quantities of the examples at these rows, computed a few thousand at a time."""
    starts = range(0, len(rows), _ROWS_AT_ONCE)
    parts = [quantities(store.take(rows[start : start + _ROWS_AT_ONCE])) for start in starts]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def class_means(
    store: Store, quantities: Callable[[Ragged], Quantities], most: int = 20_000
) -> Iterator[tuple[int, int, dict[str, Mean]]]:
    """For each label, the number of examples, and means with standard errors over the first `most` of them."""
    for label in np.unique(store.label):
        rows = np.flatnonzero(store.label == label)
        found = quantities_of(store, quantities, rows[:most])
        yield (
            int(label),
            len(rows),
            {name: (float(v.mean()), float(v.std() / len(v) ** 0.5)) for name, v in found.items()},
        )
