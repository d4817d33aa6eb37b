"""The published files of HADML: text, one event of Herwig in each line.

Clusters of an event are separated by `|`, the particles of each by `;`: two partons, the cluster (number 81) and two
hadrons, each with its number, E, px, py, pz in GeV. Partons of clusters that are parts of heavier ones are only
placeholders, number 88 without momentum.

References
----------
A. Ghosh, X. Ju, B. Nachman, A. Siodmok, arXiv:2203.12660; doi:10.5281/zenodo.7958362.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from hepexp.data.datasets.cluster_decays.info import CLUSTER, LAYOUT, PARTON, check
from hepexp.data.datasets.cluster_decays.two_body import HADRON
from hepexp.data.formats.checked import checked
from hepexp.data.formats.refusal import damage_in
from hepexp.data.physics.kinematics import invariant_mass
from hepexp.data.store.ragged import Ragged
from hepexp.errors import DataError

EVENTS_AT_ONCE = 2000
N_PARTICLES, N_NUMBERS, CLUSTER_ID = 5, 5, 81
_MOST_OF_LINE = 10_000_000  # characters: no event is as long
_EXPECTED = (
    f"expected {N_PARTICLES} of them, two partons, the cluster and two hadrons, each with number, E, px, py, pz: is "
    "this the right file for the data set?"
)


def read(path: Path) -> Iterator[Ragged]:
    """The checked decays of a file, those of a few thousand events at a time.

    Raises
    ------
    DataError : names the file and the line or the decay, and says what was expected.
    """
    with damage_in(path, "text file"), path.open(encoding="ascii") as file:
        first, rows, number = 0, list[list[float]](), 0
        while line := file.readline(_MOST_OF_LINE):
            number += 1
            rows += [_numbers(path, number, cluster) for cluster in line.strip().split("|") if cluster]
            if number % EVENTS_AT_ONCE == 0 and rows:
                yield _decays(path, first, rows)
                first, rows = first + len(rows), []
        if rows:
            yield _decays(path, first, rows)
        elif not first:
            raise DataError(f"{path}: no decays; expected events with clusters separated by |")


def _numbers(path: Path, line: int, cluster: str) -> list[float]:
    """All numbers of a cluster, one particle after the other."""
    particles = [particle.split(",") for particle in cluster.split(";") if particle.strip()]
    if len(particles) != N_PARTICLES or any(len(particle) != N_NUMBERS for particle in particles):
        sizes = sorted({len(particle) for particle in particles})
        what = f"{len(particles)} particles of {' or '.join(map(str, sizes[:3])) or 'no'} numbers"
        raise DataError(f"{path}: line {line} has a cluster with {what}; {_EXPECTED}")
    try:
        return [float(number) for particle in particles for number in particle]
    except ValueError:
        wrong = next(text for particle in particles for text in particle if not _is_number(text))
        raise DataError(f"{path}: line {line} has {wrong[:20]!a}, expected a number") from None


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _decays(path: Path, first: int, rows: Sequence[Sequence[float]]) -> Ragged:
    found = np.array(rows).reshape(-1, N_PARTICLES, N_NUMBERS)
    n = len(found)
    wrong = np.flatnonzero(found[:, 2, 0] != CLUSTER_ID)
    if len(wrong):
        raise DataError(
            f"{path}: decay {first + wrong[0]} has {found[wrong[0], 2, 0]:g} as the third particle, expected "
            f"{CLUSTER_ID}, a cluster: is this the right file for the data set?"
        )
    infinite = np.argwhere(~np.isfinite(found[:, 2]))
    if len(infinite):
        row, column = infinite[0]
        name, value = ("pdgid", *HADRON)[column], found[row, 2, column]
        raise DataError(
            f"{path}: decay {first + row} is of a cluster with {name} = {value:g}; expected a finite number"
        )
    hadrons = found[:, 3:].reshape(-1, N_NUMBERS)
    columns = dict(zip(LAYOUT.elements, hadrons.T, strict=True))
    m = invariant_mass(found[:, 2, 1:])
    of_clusters = np.concatenate([m[:, None], found[:, 2, 2:], found[:, 0, 1:]], axis=1)
    extras = dict(zip((*CLUSTER, *PARTON), of_clusters.T, strict=True))
    return checked(check, LAYOUT, path, first, np.zeros(n, np.int8), 2 * np.arange(n + 1), columns, extras)
