"""The published files of JetNet, one for each kind of jet, after which it is named: g.hdf5, or g150.hdf5.

`particle_features` (N, 30 or 150, 4) are eta_rel, phi_rel, pt_rel and a mask, 0 for padding; `jet_features` (N, 4) are
pT and mass in GeV in the order pT, eta, mass, number of particles.

References
----------
R. Kansal et al., arXiv:2106.11535; Zenodo records 6975118 and 6975117.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from hepexp.data.datasets.jetnet.info import CLASSES, INFO, LAYOUT, LETTERS
from hepexp.data.formats.checked import checked
from hepexp.data.formats.hdf5 import dataset, numbers, opened
from hepexp.data.store.ragged import Ragged, offsets_of
from hepexp.errors import DataError

JETS_AT_ONCE = 2000
_PARTICLES, _JETS = "particle_features", "jet_features"
_MOST_PARTICLES = 10_000  # a damaged header can claim any size


def read(path: Path, needs_label: bool = True) -> Iterator[Ragged]:
    """The checked jets of a file, a few thousand at a time, without padding.

    Parameters
    ----------
    needs_label : refuse a file whose name does not say which jets it holds; otherwise these have no label.

    Raises
    ------
    DataError : names the file and the key or row, and says what was expected.
    """
    label = _label(path, needs_label)
    with opened(path) as file:
        particles, jets = (dataset(file, path, key, (_PARTICLES, _JETS)) for key in (_PARTICLES, _JETS))
        shape: tuple[int, ...] = particles.shape or ()
        if len(shape) != 3 or shape[2] != 4:
            raise DataError(
                f"{path}: key '{_PARTICLES}' has shape {shape}, expected (N, 30, 4) or (N, 150, 4): eta_rel, phi_rel, "
                "pt_rel, mask"
            )
        if shape[1] > _MOST_PARTICLES:
            raise DataError(f"{path}: key '{_PARTICLES}' has {shape[1]:,} particles a jet, expected 30 or 150")
        numbers(particles, path, _PARTICLES, (None, shape[1], 4))
        numbers(jets, path, _JETS, (shape[0], 4))
        for first in range(0, shape[0], JETS_AT_ONCE):
            yield _jets(particles[first : first + JETS_AT_ONCE], jets[first : first + JETS_AT_ONCE], label, path, first)


def _label(path: Path, needs_label: bool) -> int | None:
    """The class of all jets of a file, according to its name."""
    found = re.fullmatch(rf"([{''.join(LETTERS)}])(30|150)?", path.stem)
    if found is not None:
        return CLASSES.index(LETTERS[found[1]])
    if needs_label:
        expected = ", ".join(f"{letter}{path.suffix} ({name})" for letter, name in LETTERS.items())
        raise DataError(f"{path}: the name does not say which jets these are; expected one of {expected}")
    return None


def _jets(particles: np.ndarray, of_jets: np.ndarray, label: int | None, path: Path, first: int) -> Ragged:
    """Jets from padded particles (n, N, 4) and their own features (n, 4)."""
    real = (particles[..., 3] > 0.5) & (particles[..., 2] != 0)  # a particle without momentum is padding
    real |= ~np.isfinite(particles).all(2)  # refused when the jets are checked
    columns = {name: particles[..., i][real] for i, name in enumerate(LAYOUT.elements)}
    extras = {name: of_jets[:, i] for i, name in enumerate(LAYOUT.extras)}
    labels = None if label is None else np.full(len(particles), label)
    return checked(INFO.check, LAYOUT, path, first, labels, offsets_of(real.sum(1)), columns, extras)
