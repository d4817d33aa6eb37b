"""ROOT trees and RNTuples: numbers, arrays of fixed length, and vectors or arrays of variable length."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import awkward as ak
import numpy as np
import uproot

from hepexp.config.suggest import did_you_mean
from hepexp.data.formats.refusal import damage_in, listed
from hepexp.data.store.ragged import offsets_of
from hepexp.data.tables.rntuple import Read, fields
from hepexp.data.tables.source import MOST_ARRAYS, MOST_SLAB_BYTES, Contents, Stored, pieces, refusal_of, rows_for
from hepexp.data.values import Values
from hepexp.errors import ConfigError, DataError

_USUAL_COMPRESSION = 2
_TREES = ("TTree", "TNtuple", "TNtupleD", "ROOT::RNTuple")


@dataclass(frozen=True)
class RootFile:
    """A tree in a ROOT file.

    Parameters
    ----------
    tree : its name, with folders; may be left out where the file has one.
    key : of the configuration that `tree` is the value of, for messages.
    """

    path: Path
    tree: str | None = None
    key: str = "tree"
    kind: str = "ROOT file"

    def contents(self) -> Contents:
        wrong = None
        with damage_in(self.path, self.kind), self._file() as file:
            name, wrong = self._chosen(file)
            if wrong is None:
                return self._contents(file[name])
        raise ConfigError(wrong)

    def batches(self, names: list[str], rows_at_once: int) -> Iterator[tuple[int, dict[str, Values]]]:
        with damage_in(self.path, self.kind), self._file() as file:
            tree = file[self._chosen(file)[0]]
            chosen = {
                name: (stored, read)
                for name, stored, read in _columns(tree)
                if name in names and isinstance(stored, Stored)
            }
            step = rows_for(self.path, {name: stored for name, (stored, _) in chosen.items()}, rows_at_once)
            for start, stop in _steps(tree, names, step, self.path.stat().st_size):
                found = {}
                for name, (stored, read) in chosen.items():
                    values = read(start, stop)
                    if stored.shape == (None,):
                        offsets = offsets_of(ak.to_numpy(ak.num(values)).astype(np.int64))
                        found[name] = Values(ak.to_numpy(ak.flatten(values)), offsets)
                    else:
                        found[name] = Values(ak.to_numpy(values))
                    if len(found[name]) != stop - start:
                        raise DataError(f"{self.path}: branch '{name}' ends before row {stop}; download it again")
                yield from pieces(start, found, step)

    def _file(self) -> contextlib.AbstractContextManager:
        # the file as a dictionary key, as a colon in its name would be taken to introduce the name of the tree
        # no memory mapping, whose pages would count as memory of this process, and no cache of arrays, each read once
        return uproot.open({str(self.path): None}, handler=uproot.MultithreadedFileSource, array_cache=None)

    def _chosen(self, file: uproot.ReadOnlyDirectory) -> tuple[str, str | None]:
        """Name of the tree, and what is wrong with the request for it."""
        kinds = file.classnames(recursive=True, cycle=False)
        trees = [name for name, kind in kinds.items() if kind in _TREES]
        wanted = self.tree
        if wanted is None and len(trees) == 1:
            return trees[0], None
        if wanted is not None and wanted in trees:
            return wanted, None
        if not trees:
            raise DataError(f"{self.path}: no tree, found {listed(kinds) or 'nothing'}; expected a TTree or RNTuple")
        if wanted is None:
            return "", f"{self.path}: {len(trees)} trees, {listed(trees)}; choose one with {self.key}"
        found = f"{did_you_mean(wanted, trees)} (trees: {listed(trees)})"
        return "", f"{self.key}: no tree '{wanted}' in {self.path}{found}"

    def _contents(self, tree: uproot.TTree) -> Contents:
        stored: dict[str, Stored] = {}
        refused: dict[str, str] = {}
        for name, found, _ in _columns(tree):
            if name in stored or name in refused:
                raise DataError(f"{self.path}: two branches '{name}'; expected different names")
            if isinstance(found, str):
                refused[name] = found
            else:
                stored[name] = found
        if len(stored) + len(refused) > MOST_ARRAYS:
            raise DataError(f"{self.path}: {len(stored) + len(refused):,} branches; expected at most {MOST_ARRAYS:,}")
        return Contents(int(tree.num_entries), stored, refused)


def _columns(tree: uproot.TTree | uproot.behaviors.RNTuple.RNTuple) -> Iterator[tuple[str, Stored | str, Read]]:
    """Name, what it holds or why it is not read, and the values in some rows."""
    if not isinstance(tree, uproot.TTree):
        yield from fields(tree)
        return
    for name, branch in _branches(tree):
        found = _stored(branch)
        if branch.num_entries != tree.num_entries:
            found = f"{branch.num_entries:,} entries where the tree has {tree.num_entries:,}"
        yield name, found, _values(branch)


def _values(branch: uproot.TBranch) -> Read:
    return lambda start, stop: branch.array(entry_start=start, entry_stop=stop, library="ak")


def _branches(tree: uproot.TTree) -> Iterator[tuple[str, uproot.TBranch]]:
    """The branches with data, by their own names if these differ, else by those of their parents as well.

    They are taken as objects, never as expressions, which could be aliases: formulas defined in the file.
    """
    every = tree.iteritems(recursive=True, full_paths=True)
    found = [(path, branch) for path, branch in every if not len(branch.branches)]
    names = Counter(branch.name for _, branch in found)
    for path, branch in found:
        yield (branch.name if names[branch.name] == 1 else path.replace("/", ".")), branch


def _stored(branch: uproot.TBranch) -> Stored | str:
    """What a branch holds, or why it is not read."""
    found = branch.interpretation
    jagged = isinstance(found, uproot.AsJagged)
    content = found.content if jagged else found
    if not isinstance(content, uproot.AsDtype) or (jagged and content.inner_shape):
        return f"values of type {branch.typename}"
    dtype = np.dtype(content.to_dtype.base).newbyteorder("=")
    why = refusal_of(dtype) or ("lists of structures" if jagged and dtype.names else None)
    return why or Stored(dtype, (None,) if jagged else tuple(content.inner_shape))


def _steps(
    tree: uproot.TTree | uproot.behaviors.RNTuple.RNTuple, names: list[str], least: int, file_bytes: int
) -> Iterator[tuple[int, int]]:
    """First and last row of each read: whole clusters, as a basket is decompressed again for each read from it.

    Parameters
    ----------
    names : of the columns.
    least : number of rows to read at least, of clusters that are smaller.
    file_bytes : size of the file.
    """
    n = tree.num_entries
    if isinstance(tree, uproot.TTree):
        branches = [branch for name, branch in _branches(tree) if name in names]
        ends = np.array(sorted(set.intersection(*(set(branch.entry_offsets) for branch in branches))), np.int64)
        size = sum(branch.uncompressed_bytes for branch in branches)
    else:
        ends = np.cumsum([cluster.num_entries for cluster in tree.cluster_summaries], dtype=np.int64)
        size = _USUAL_COMPRESSION * file_bytes
    most = max(least, int(n * MOST_SLAB_BYTES / max(size, 1)))
    start = 0
    while start < n:
        small = ends[(ends > start) & (ends <= start + least)]
        large = ends[(ends > start) & (ends <= start + most)]
        stop = int(small[-1] if len(small) else large[0] if len(large) else min(start + most, n))
        yield start, stop
        start = stop
