"""A tree in a ROOT file with plain branches: numbers, and vectors of numbers, read in steps of some thousand rows."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import awkward as ak
import numpy as np
import uproot
from numpy.typing import NDArray

from hepexp.data.formats.refusal import damage_in, require
from hepexp.data.store.check import refuse_rows
from hepexp.errors import DataError


@contextlib.contextmanager
def opened_tree(path: Path, name: str) -> Iterator[uproot.TTree]:
    """A tree of a file.

    Raises
    ------
    DataError : there is none of this name, or uproot finds the file damaged while it is open.
    """
    # the file as a dictionary key, as a colon in its name would otherwise be taken to introduce the name of the tree
    with damage_in(path, "ROOT file"), uproot.open({str(path): None}, handler=uproot.MemmapSource) as file:
        require(path, "tree", [name], file.keys(recursive=False, cycle=False))
        tree = file[name]
        if not isinstance(tree, uproot.TTree):
            raise DataError(f"{path}: '{name}' is a {type(tree).__name__}; expected a TTree")
        yield tree


def batches(
    tree: uproot.TTree, path: Path, lists: Sequence[str], numbers: Sequence[str], at_once: int
) -> Iterator[tuple[int, int, dict[str, NDArray], dict[str, NDArray]]]:
    """First row, number of rows, lengths (n,) of the lists and columns: flat (m,) of lists, (n,) of numbers.

    Raises
    ------
    DataError : a branch is of another type or length.
    """
    of_lists = {name: _branch(tree, path, name, uproot.AsJagged) for name in lists}
    of_rows = {name: _branch(tree, path, name, uproot.AsDtype) for name in numbers}
    for start, stop in _steps(tree, [*of_lists, *of_rows], at_once):
        lengths, columns = {}, {}
        for name, branch in of_lists.items():
            values = branch.array(entry_start=start, entry_stop=stop, library="ak")
            lengths[name] = ak.to_numpy(ak.num(values))
            columns[name] = ak.to_numpy(ak.flatten(values))
        for name, branch in of_rows.items():
            columns[name] = branch.array(entry_start=start, entry_stop=stop, library="np")
        yield start, stop - start, lengths, columns


def equal_counts(
    columns: Mapping[str, NDArray], lengths: Mapping[str, NDArray], n: int, path: Path, first: int
) -> NDArray[np.int64]:
    """Elements (n,) of each row, on which all lists must agree.

    Raises
    ------
    DataError : lists of a row have different lengths, or a column ends early, as in a damaged file.
    """
    name_of_first, counts = next(iter(lengths.items()))
    for name in [*lengths, *(name for name in columns if name not in lengths)]:
        found = len(lengths.get(name, columns[name]))
        if found != n:
            raise DataError(
                f"{path}: column '{name}' ends at row {first + found} instead of {first + n}; download it again"
            )
        if name in lengths:
            refuse_rows(path, first, lengths[name] != counts, f"has different numbers of {name} and {name_of_first}")
    return counts


def _branch(tree: uproot.TTree, path: Path, name: str, expected: type) -> uproot.TBranch:
    """A branch of plain numbers, one per row or a vector per row.

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


def _steps(tree: uproot.TTree, names: list[str], at_once: int) -> Iterator[tuple[int, int]]:
    """First and last row of each read: whole clusters if they are small, so that no basket is decompressed twice."""
    ends = np.array(tree.common_entry_offsets(filter_name=names))
    start = 0
    while start < tree.num_entries:
        reach = ends[(ends > start) & (ends <= start + at_once)]
        stop = int(reach[-1]) if len(reach) else min(start + at_once, tree.num_entries)
        yield start, stop
        start = stop
