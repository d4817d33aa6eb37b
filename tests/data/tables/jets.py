"""The same jets in every format, under names that no data set of ours has."""

from __future__ import annotations

import pickle
from pathlib import Path

import awkward as ak
import h5py
import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import uproot

COUNTS = np.array([3, 1, 0, 5, 2, 4, 1])
N, P = len(COUNTS), 5
OFFSETS = np.concatenate([[0], np.cumsum(COUNTS)])
_random = np.random.default_rng(7)
ENERGY, D0 = _random.uniform(1, 9, (2, COUNTS.sum())).astype(np.float32)
CHARGE = _random.integers(-1, 2, COUNTS.sum()).astype(np.int32)
WEIGHT = _random.normal(size=N)
EVENT = np.arange(N).astype(np.uint64) + 2**63
IS_TAU = (np.arange(N) % 2).astype(bool)
REAL = np.arange(P) < COUNTS[:, None]


def lists(flat: np.ndarray) -> ak.Array:
    return ak.unflatten(flat, COUNTS)


def padded(flat: np.ndarray, fill: float = 0) -> np.ndarray:
    dense = np.full((N, P), fill, flat.dtype)
    dense[REAL] = flat
    return dense


def root(path: Path) -> None:
    with uproot.recreate(path) as file:
        branches = {"con_E": lists(ENERGY), "con_d0": lists(D0), "con_q": lists(CHARGE)}
        branches |= {"w": WEIGHT, "evt": EVENT, "tau": IS_TAU}
        file.mktree("a/candidates", {name: ak.type(array).content for name, array in branches.items()})
        file["a/candidates"].extend(branches)


def rntuple(path: Path) -> None:
    """What uproot writes today for a dictionary; the particles are records."""
    con = ak.zip({"E": lists(ENERGY), "d0": lists(D0), "q": lists(CHARGE)})
    with uproot.recreate(path) as file:
        file["events"] = {"con": con, "w": WEIGHT, "evt": EVENT, "tau": IS_TAU}


def arrow_table() -> pa.Table:
    nested = {"con_E": lists(ENERGY), "con_d0": lists(D0), "con_q": lists(CHARGE)}
    columns = {name: pa.array(ak.to_list(array), pa.list_(_type(array))) for name, array in nested.items()}
    return pa.table(columns | {"w": WEIGHT, "evt": EVENT, "tau": IS_TAU})


def _type(array: ak.Array) -> pa.DataType:
    return pa.from_numpy_dtype(ak.to_numpy(ak.flatten(array)).dtype)


def parquet(path: Path) -> None:
    pq.write_table(arrow_table(), path, row_group_size=3)


def arrow(path: Path) -> None:
    table = arrow_table()
    with pa.ipc.new_file(str(path), table.schema) as writer:
        writer.write_table(table, max_chunksize=3)


def feather(path: Path) -> None:
    pyarrow.feather.write_feather(arrow_table(), str(path), compression="lz4")


def npz(path: Path) -> None:
    with open(path, "wb") as file:
        con = {"con_E": padded(ENERGY), "con_d0": padded(D0), "con_q": padded(CHARGE)}
        np.savez_compressed(file, **con, w=WEIGHT, evt=EVENT, tau=IS_TAU)


def hdf5(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset("con_E", data=padded(ENERGY), chunks=(2, P), compression="gzip")
        file["con_d0"], file["con_q"], file["w"], file["evt"] = padded(D0), padded(CHARGE), WEIGHT, EVENT
        file["tau"] = IS_TAU


def salt(path: Path) -> None:
    """Structured arrays, as ATLAS writes them, whose padding is anything."""
    jets = np.zeros(N, [("w", "f8"), ("evt", "u8"), ("tau", "?")])
    jets["w"], jets["evt"], jets["tau"] = WEIGHT, EVENT, IS_TAU
    tracks = np.zeros((N, P), [("E", "f4"), ("d0", "f4"), ("q", "i4"), ("valid", "?")])
    tracks["E"], tracks["d0"], tracks["q"], tracks["valid"] = (
        padded(ENERGY, 99),
        padded(D0, np.nan),
        padded(CHARGE),
        REAL,
    )
    with h5py.File(path, "w") as file:
        file["jets"], file["tracks"] = jets, tracks


def dense(path: Path) -> None:
    """(N, P, F) with the names of its features in an attribute."""
    with h5py.File(path, "w") as file:
        file["events/con"] = np.stack([padded(ENERGY), padded(D0), padded(CHARGE).astype(np.float32)], axis=-1)
        file["events/con"].attrs["features"] = ["E", "d0", "q"]
        file["events/con"].attrs["units"] = ["GeV", "mm", "e"]
        file["events/w"], file["events/evt"], file["events/tau"] = WEIGHT, EVENT, IS_TAU


def pandas(path: Path) -> None:
    """What pandas writes with PyTables for a frame of columns E_0, d0_0, q_0, E_1, ..."""
    n = 8  # a family of numbered columns is longer than three or four subjettinesses
    wide = np.zeros((N, n, 3), np.float32)
    wide[:, :P] = np.stack([padded(ENERGY), padded(D0), padded(CHARGE).astype(np.float32)], axis=-1)
    blocks = [(wide.reshape(N, -1), [f"{name}_{i}" for i in range(n) for name in ("E", "d0", "q")])]
    blocks += [(WEIGHT[:, None], ["w"]), (EVENT[:, None], ["evt"]), (IS_TAU[:, None], ["tau"])]
    fields = [("index", "i8")]
    fields += [(f"values_block_{i}", values.dtype, values.shape[1:]) for i, (values, _) in enumerate(blocks)]
    table = np.zeros(N, fields)
    for i, (values, _) in enumerate(blocks):
        table[f"values_block_{i}"] = values
    with h5py.File(path, "w") as file:
        file["frame/table"] = table
        file["frame/table"].attrs["CLASS"] = np.bytes_(b"TABLE")
        for i, (_, names) in enumerate(blocks):
            file["frame/table"].attrs[f"values_block_{i}_kind"] = np.void(pickle.dumps(names, protocol=0))


# for each format: how the file is written, and what columns of particles and of examples are called
FORMATS = {
    "root": (root, "con_{}", "{}"),
    "rntuple": (rntuple, "con.{}", "{}"),
    "parquet": (parquet, "con_{}", "{}"),
    "arrow": (arrow, "con_{}", "{}"),
    "feather": (feather, "con_{}", "{}"),
    "npz": (npz, "con_{}", "{}"),
    "hdf5": (hdf5, "con_{}", "{}"),
    "salt": (salt, "tracks.{}", "jets.{}"),
    "dense": (dense, "events.con.{}", "events.{}"),
    "pandas": (pandas, "{}", "{}"),
}
