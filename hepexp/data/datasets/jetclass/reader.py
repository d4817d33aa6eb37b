"""The ROOT files of JetClass, and their Parquet versions with the same columns.

In ROOT, a tree `tree` has one entry per jet, and particles as vectors of numbers; in Parquet, there is one row per jet,
and particles are lists of numbers.

JetClass-II has the same columns except for the label: jet_label is one of 188 classes, whose names are not in the file.
Four of JetClass's ten classes have a counterpart there, with a resonance X of variable mass instead of the Higgs boson:
X->bb (0), X->cc (1), X->gg (9) and QCD (161 to 187, by flavour). These are read as Hbb, Hcc, Hgg and QCD; a file with
any other class is refused, unless it is only to be scored: then the class of such a jet is unknown.

References
----------
H. Qu, C. Li, S. Qian, "Particle Transformer for jet tagging", arXiv:2202.03772; Zenodo record 6619768.
C. Li et al., "Accelerating resonance searches via signature-oriented pre-training", arXiv:2405.12972 (JetClass-II).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hepexp.data.datasets.jetclass.info import LAYOUT
from hepexp.data.formats import parquet
from hepexp.data.formats.checked import checked
from hepexp.data.formats.refusal import require
from hepexp.data.formats.root_tree import batches, equal_counts, opened_tree
from hepexp.data.store.check import Refusal, check_four_momenta, refuse_rows
from hepexp.data.store.ragged import NO_LABEL, Ragged, offsets_of

# the label of a jet is the index of its class here
CLASSES = ("QCD", "Hbb", "Hcc", "Hgg", "H4q", "Hqql", "Zqq", "Wqq", "Tbqq", "Tbl")
_LABELS = [f"label_{name}" for name in CLASSES]
_LABEL_II = "jet_label"
_FROM_II = np.full(188, -1, np.int8)
_FROM_II[[0, 1, 9]] = CLASSES.index("Hbb"), CLASSES.index("Hcc"), CLASSES.index("Hgg")
_FROM_II[161:] = CLASSES.index("QCD")

# the type of a particle is the index of its flag here
_FLAGS = [f"part_is{name}" for name in ("ChargedHadron", "NeutralHadron", "Photon", "Electron", "Muon")]
_PARTICLES = [f"part_{name}" for name in LAYOUT.elements if name != "type"] + _FLAGS
_JETS = list(LAYOUT.extras)
_TREE = "tree"
JETS_AT_ONCE_ROOT = 5000  # 13 MB of 40 particles each
JETS_AT_ONCE_PARQUET = 2000  # 5 MB, of which Arrow needs copies
_CHECK = check_four_momenta(CLASSES, LAYOUT, noun="row")


def read_root(path: Path, needs_label: bool = True) -> Iterator[Ragged]:
    """The checked jets of a file, a few thousand at a time; units are those of LAYOUT.

    Parameters
    ----------
    needs_label : refuse a file without labels; otherwise its jets have none, nor do those of other classes.

    Raises
    ------
    DataError : names the file and the column or row, and says what was expected.
    """
    with opened_tree(path, _TREE) as tree:
        of_particles, of_jets = wanted(path, tree.keys(recursive=False), needs_label)
        for start, n, lengths, columns in batches(tree, path, of_particles, of_jets, JETS_AT_ONCE_ROOT):
            yield jets(columns, lengths, n, path, start, needs_label)


def read_parquet(path: Path, needs_label: bool = True) -> Iterator[Ragged]:
    """The checked jets of a file, a few thousand at a time; units are those of LAYOUT.

    Parameters
    ----------
    needs_label : refuse a file without labels; otherwise its jets have none, nor do those of other classes.

    Raises
    ------
    DataError : names the file and the column or row, and says what was expected.
    """
    with parquet.opened(path) as file:
        of_particles, of_jets = wanted(path, file.schema_arrow.names, needs_label)
        for first, batch in parquet.batches(file, [*of_particles, *of_jets], JETS_AT_ONCE_PARQUET):
            lengths, columns = {}, {}
            for name in of_particles:
                (lengths[name],), columns[name] = parquet.flat(path, first, batch, name, 1)
            for name in of_jets:
                _, columns[name] = parquet.flat(path, first, batch, name, 0)
            yield jets(columns, lengths, len(batch), path, first, needs_label)


def wanted(path: Path, found: Iterable[str], needs_label: bool = True) -> tuple[list[str], list[str]]:
    """Names of the columns to read, of particles and of jets; labels are optional unless they are needed.

    Raises
    ------
    DataError : a column is missing.
    """
    found = list(found)
    labels = [_LABEL_II] if _LABEL_II in found and not set(_LABELS) & set(found) else _LABELS
    if not needs_label and not set(labels) & set(found):
        labels = []
    require(path, "column", [*_PARTICLES, *_JETS, *labels], found)
    return _PARTICLES, [*_JETS, *labels]


def jets(
    columns: Mapping[str, NDArray],
    lengths: Mapping[str, NDArray],
    n: int,
    path: Path,
    first: int,
    needs_label: bool = True,
) -> Ragged:
    """Jets with the columns of LAYOUT.

    Parameters
    ----------
    columns : numbers of any type: flat arrays (m,) for particles, (n,) for jets.
    lengths : (n,) number of particles in each jet, for each column of particles.
    n : expected number of jets; in a damaged file some columns can have another length.
    path, first : the file, and the row in it of the first of these jets, for messages.
    needs_label : refuse jets of another class than those of JetClass; otherwise their class is unknown.

    Raises
    ------
    DataError : names the file and the first bad row, and says what was expected.
    """
    counts = equal_counts(columns, lengths, n, path, first)
    refuse_rows(path, first, counts == 0, "has no particles; expected at least one")
    label, unknown = _labels(columns, path, first), None
    if label is not None and (other := label == NO_LABEL).any():
        bad = columns[_LABEL_II][np.argmax(other)]
        what = f"has jet_label {bad}, a class of JetClass-II but not of JetClass; expected 0, 1, 9 or 161 to 187"
        refuse_rows(path, first, other & needs_label, what)
        unknown = other
    offsets = offsets_of(counts)
    flags = np.stack([columns[name] for name in _FLAGS])
    what = f"has a particle of no type or several; expected one of {', '.join(_FLAGS)} to be 1 and the others 0"
    refuse = Refusal(Ragged(np.zeros(n, np.int8), offsets, {}), str(path), first, noun="row")
    refuse.of_elements(_not_one_hot(flags), "type", what)
    refuse.finish()
    elements = {name: columns[f"part_{name}"] for name in LAYOUT.elements if name != "type"}
    elements["type"] = np.argmax(flags, axis=0).astype(np.int8)
    extras = {name: columns[name] for name in LAYOUT.extras}
    return checked(_CHECK, LAYOUT, path, first, label, offsets, elements, extras, unknown=unknown)


def _labels(columns: Mapping[str, NDArray], path: Path, first: int) -> NDArray[np.int8] | None:
    """The classes (n,), NO_LABEL for those that JetClass-II alone has; None in a file without labels."""
    if _LABEL_II not in columns and _LABELS[0] not in columns:
        return None
    if _LABEL_II in columns:
        number = columns[_LABEL_II]
        ours = np.isin(number, np.flatnonzero(_FROM_II >= 0))
        return np.where(ours, _FROM_II[np.where(ours, number, 0).astype(np.int64)], NO_LABEL).astype(np.int8)
    flags = np.stack([columns[name] for name in _LABELS])
    what = f"has no class or several; expected one of {', '.join(_LABELS)} to be 1 and the others 0"
    refuse_rows(path, first, _not_one_hot(flags), what)
    return np.argmax(flags, axis=0).astype(np.int8)


def _not_one_hot(flags: NDArray) -> NDArray[np.bool_]:
    return ~np.isin(flags, (0, 1)).all(axis=0) | (np.count_nonzero(flags, axis=0) != 1)
