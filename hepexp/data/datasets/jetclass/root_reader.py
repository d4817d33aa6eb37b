"""The ROOT files of JetClass: a tree `tree` with one entry per jet, and particles as vectors of numbers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import awkward as ak
import numpy as np
import uproot

from hepexp.data.datasets.jetclass.columns import jets, wanted
from hepexp.data.formats.refusal import damage_in, require
from hepexp.data.store.ragged import Ragged
from hepexp.errors import DataError

JETS_AT_ONCE = 5000  # 13 MB of 40 particles each
_TREE = "tree"


def read(path: Path, needs_label: bool = True) -> Iterator[Ragged]:
    """The checked jets of a file, a few thousand at a time; units are those of the layout JETCLASS.

    Parameters
    ----------
    needs_label : refuse a file without labels; otherwise its jets have none.

    Raises
    ------
    DataError : names the file and the column or row, and says what was expected.
    """
    # the file as a dictionary key, as a colon in its name would otherwise be taken to introduce the name of the tree
    with damage_in(path, "ROOT file"), uproot.open({str(path): None}, handler=uproot.MemmapSource) as file:
        require(path, "tree", [_TREE], file.keys(recursive=False, cycle=False))
        tree = file[_TREE]
        if not isinstance(tree, uproot.TTree):
            raise DataError(f"{path}: '{_TREE}' is a {type(tree).__name__}; expected a TTree")
        of_particles, of_jets = wanted(path, tree.keys(recursive=False), needs_label)
        of_particles = {name: _branch(tree, path, name, uproot.AsJagged) for name in of_particles}
        of_jets = {name: _branch(tree, path, name, uproot.AsDtype) for name in of_jets}
        for start, stop in _steps(tree, [*of_particles, *of_jets]):
            lengths, columns = {}, {}
            for name, branch in of_particles.items():
                lists = branch.array(entry_start=start, entry_stop=stop, library="ak")
                lengths[name] = ak.to_numpy(ak.num(lists))
                columns[name] = ak.to_numpy(ak.flatten(lists))
            for name, branch in of_jets.items():
                columns[name] = branch.array(entry_start=start, entry_stop=stop, library="np")
            yield jets(columns, lengths, stop - start, path, start)


def _branch(tree: uproot.TTree, path: Path, name: str, expected: type) -> uproot.TBranch:
    """A branch of plain numbers, one per jet or a vector per jet.

    Branches are accessed by name, never as expressions, which could be aliases: formulas defined in the file.
    """
    branch = tree[name]
    interpretation = branch.interpretation
    content = interpretation.content if isinstance(interpretation, uproot.AsJagged) else interpretation
    plain = isinstance(content, uproot.AsDtype) and content.inner_shape == () and content.to_dtype.kind in "fiub"
    if not isinstance(interpretation, expected) or not plain:
        wanted_type = "vector<number>" if expected is uproot.AsJagged else "number"
        raise DataError(f"{path}: branch '{name}' has type {branch.typename}, expected {wanted_type}")
    if branch.num_entries != tree.num_entries:
        raise DataError(f"{path}: branch '{name}' has {branch.num_entries} jets but the tree has {tree.num_entries}")
    return branch


def _steps(tree: uproot.TTree, names: list[str]) -> Iterator[tuple[int, int]]:
    """First and last row of each read: whole clusters if they are small, so that no basket is decompressed twice."""
    ends = np.array(tree.common_entry_offsets(filter_name=names))
    start = 0
    while start < tree.num_entries:
        reach = ends[(ends > start) & (ends <= start + JETS_AT_ONCE)]
        stop = int(reach[-1]) if len(reach) else min(start + JETS_AT_ONCE, tree.num_entries)
        yield start, stop
        start = stop
