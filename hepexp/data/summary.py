"""Means that characterise a sample of jets."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from hepexp.data import species
from hepexp.data.kinematics import four_momenta, invariant_mass
from hepexp.data.store import JetStore

Mean = tuple[float, float]  # value and standard error


def class_means(store: JetStore) -> Iterator[tuple[int, int, list[Mean]]]:
    """For each label: number of jets, and means of multiplicity, mass, and mass of massless particles, GeV.

    The last takes pt, y and phi of the particles and nothing else, as tables of these jets often do.
    """
    columns: list[list[np.ndarray]] = [[], [], []]
    for jets in store.chunks:
        columns[0].append(jets.counts)
        for column, mass in ((columns[1], species.mass(jets.pdgid)), (columns[2], 0.0)):
            p4 = four_momenta(jets.pt, jets.y, jets.phi, mass)
            column.append(invariant_mass(np.add.reduceat(p4, jets.offsets[:-1], axis=0)))
    values = [np.concatenate(column) for column in columns]
    for label in np.unique(store.label):
        rows = store.label == label
        n = int(rows.sum())
        yield int(label), n, [(float(v[rows].mean()), float(v[rows].std() / n**0.5)) for v in values]
