"""Quantities by which generated molecules are compared with those of QM9."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hepexp.data.datasets.qm9.bonds import stable
from hepexp.data.datasets.qm9.info import AXES, ELEMENTS
from hepexp.data.store.ragged import Ragged, pad
from hepexp.observable import Observable

OBSERVABLES = (
    Observable("molecule_stable", ("stable",), distance=False, mean=True, drawn=False),
    Observable("atom_stable", ("stable",), of="element", distance=False, mean=True, drawn=False),
    Observable("nearest", ("distance of the nearest atom [Å]",), of="element", selects=True, unit="Å"),
    Observable("size", ("distance from the centre [Å]",), of="element", selects=True, unit="Å"),
    Observable("atoms", tuple(f"atoms of {symbol}" for symbol in ELEMENTS), selects=True),
)
FARTHEST = 100.0  # Å: of the nearest atom, if there is no other


def observe(molecules: Ragged, names: Sequence[str] | None = None) -> dict[str, NDArray[np.float64]]:
    """The values (n, K) of the observables of each molecule, or (m, K) of each atom; of all, or of those asked for.

    An atom is stable if its bonds add up to its valence, a molecule if all its atoms are; see `bonds`.
    """
    counts = molecules.counts
    number = pad(molecules["number"].astype(np.int64), counts)
    place = pad(np.stack([molecules[name].astype(np.float64) for name in AXES], axis=1), counts)
    real = np.arange(number.shape[1]) < counts[:, None]
    wanted = [one.name for one in OBSERVABLES] if names is None else names
    found: dict[str, NDArray[np.float64]] = {}
    if {"atom_stable", "molecule_stable"} & {*wanted}:
        ok = stable(number, place)
        found["atom_stable"] = ok[real][:, None].astype(np.float64)
        found["molecule_stable"] = np.asarray(ok.all(1), np.float64)[:, None]
    if "nearest" in wanted:
        distance = np.linalg.norm(place[:, :, None] - place[:, None], axis=-1)
        distance[~(real[:, :, None] & real[:, None]) | np.eye(number.shape[1], dtype=bool)] = FARTHEST
        found["nearest"] = distance.min(2)[real][:, None].clip(max=FARTHEST)
    if "size" in wanted:
        centre = place.sum(1, keepdims=True) / counts[:, None, None]
        found["size"] = np.linalg.norm(place - centre, axis=2)[real][:, None]
    if "atoms" in wanted:
        found["atoms"] = np.stack([(number == z).sum(1) for z in ELEMENTS.values()], axis=1).astype(np.float64)
    return {name: found[name] for name in wanted if name in found}
