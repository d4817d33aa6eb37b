"""The ROOT files of Set2Graph: a tree `tree` with one entry per jet, and tracks as vectors of numbers.

References
----------
J. Shlomi et al., arXiv:2008.02831, section 4; Zenodo record 4044628.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from hepexp.data.datasets.vertexing.info import CLASSES, FLAVOURS, LAYOUT, check
from hepexp.data.formats.checked import checked
from hepexp.data.formats.refusal import require
from hepexp.data.formats.root_tree import batches, equal_counts, opened_tree
from hepexp.data.store.check import refuse_rows
from hepexp.data.store.ragged import Ragged, offsets_of

JETS_AT_ONCE = 20_000
_TREE = "tree"
_TRACKS = {name: f"trk_{name}" for name in LAYOUT.elements} | {"vertex": "trk_vtx_index"}
_JETS = {"jet_pt": "jet_pt", "jet_eta": "jet_eta", "jet_phi": "jet_phi", "jet_mass": "jet_M"}
_FLAVOUR = "jet_flav"


def read(path: Path, needs_label: bool = True) -> Iterator[Ragged]:
    """The checked jets of a file, a few thousand at a time.

    Parameters
    ----------
    needs_label : refuse a file without jet_flav and vertices; otherwise its jets have no class and its tracks, where
        the file does not say, no vertex.

    Raises
    ------
    DataError : names the file and the branch or row, and says what was expected.
    """
    with opened_tree(path, _TREE) as tree:
        found, tracks, jets = tree.keys(recursive=False), dict(_TRACKS), [*_JETS.values(), _FLAVOUR]
        if not needs_label and _FLAVOUR not in found:
            jets.remove(_FLAVOUR)
        if not needs_label and tracks["vertex"] not in found:
            del tracks["vertex"]
        require(path, "branch", [*tracks.values(), *jets], found)
        for first, n, lengths, columns in batches(tree, path, list(tracks.values()), jets, JETS_AT_ONCE):
            counts = equal_counts(columns, lengths, n, path, first)
            elements = {name: columns[branch] for name, branch in tracks.items()}
            elements.setdefault("vertex", np.full(int(counts.sum()), -1, np.int16))
            label = None
            if _FLAVOUR in columns:
                flavour = columns[_FLAVOUR]
                what = f"has no {_FLAVOUR} that is {', '.join(f'{v} for {k}' for k, v in FLAVOURS.items())}"
                refuse_rows(path, first, ~np.isin(flavour, list(FLAVOURS.values())), what)
                label = np.select([flavour == FLAVOURS[name] for name in CLASSES], range(len(CLASSES)))
            extras = {name: columns[branch] for name, branch in _JETS.items()}
            yield checked(check, LAYOUT, path, first, label, offsets_of(counts), elements, extras)
