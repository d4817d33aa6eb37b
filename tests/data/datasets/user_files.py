"""Jets of the sample of `top` in files under names that no data set of ours has."""

from __future__ import annotations

from pathlib import Path

import awkward as ak
import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import uproot

from hepexp.data.datasets.files.module import Files
from hepexp.data.store.ragged import Ragged, pad

P4 = {
    ".root": {"energy": "con_e", "px": "con_x", "py": "con_y", "pz": "con_z"},
    ".parquet": {"energy": "con_e", "px": "con_x", "py": "con_y", "pz": "con_z"},
    ".h5": {"energy": "con[0]", "px": "con[1]", "py": "con[2]", "pz": "con[3]"},
    ".npz": {"energy": "con_e", "px": "con_x", "py": "con_y", "pz": "con_z"},
}
CLASSES = {"light": 0, "heavy": 1}


def write(path: Path, jets: Ragged, **columns: np.ndarray | None) -> Path:
    """Jets in the format that the suffix names, with `truth`, their label, and further columns; None is left out."""
    columns = {"truth": jets.label.astype(np.int32), **columns}
    columns = {name: column for name, column in columns.items() if column is not None}
    momenta = {f"con_{new}": jets[old] for new, old in zip("exyz", ("E", "px", "py", "pz"), strict=True)}
    if path.suffix == ".root":
        lists = {name: ak.unflatten(flat, jets.counts) for name, flat in momenta.items()}
        with uproot.recreate(path) as file:
            types = {name: ak.type(one).content for name, one in lists.items()}
            file.mktree("jets", types | {name: one.dtype for name, one in columns.items()})
            file["jets"].extend(lists | columns)
    elif path.suffix == ".parquet":
        offsets = pa.array(jets.offsets.astype(np.int32))
        lists = {name: pa.ListArray.from_arrays(offsets, pa.array(flat)) for name, flat in momenta.items()}
        pq.write_table(pa.table(lists | columns), path, row_group_size=7)
    elif path.suffix == ".h5":
        with h5py.File(path, "w") as file:
            file["con"] = pad(np.stack(list(momenta.values()), axis=1), jets.counts)
            for name, column in columns.items():
                file[name] = column
    else:
        np.savez(path, **{name: pad(flat, jets.counts) for name, flat in momenta.items()}, **columns)
    return path


def ready(files, suffix: str = ".npz", representation: str = "particles", **keys) -> Files:
    """The data set of these files, set up for a representation."""
    keys = {"p4": P4[suffix], "label": "truth", "classes": CLASSES, "seed": 1, **keys}
    data = Files(files=files, **keys)
    data.represent_as(representation)
    data.prepare_data()
    data.setup()
    return data
