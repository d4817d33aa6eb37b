"""Small files, or large ones, in each published layout, from random numbers that are physics."""

from __future__ import annotations

import gzip
import pickle
from pathlib import Path

import awkward as ak
import h5py
import hdf5plugin
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import uproot


def jet_images(n: int, seed: int = 0, non_zero: int = 1500) -> dict[str, np.ndarray]:
    """Images (n, 125, 125, 3) float32 with about so many non-zero pixels, pt and m0 in GeV, and y."""
    random = np.random.default_rng(seed)
    x = np.zeros((n, 125, 125, 3), np.float32)
    at = np.clip(random.normal(62, 20, (2, n, non_zero)), 0, 124).astype(int)
    x[np.arange(n)[:, None], at[0], at[1], random.integers(0, 3, (n, non_zero))] = random.exponential(
        0.01, (n, non_zero)
    )
    pt = random.uniform(90, 170, n)
    return {"X_jets": x, "m0": pt * random.uniform(0.05, 0.3, n), "pt": pt, "y": random.integers(0, 2, n) * 1.0}


def write_qg_hdf5(path: Path, n: int, *, seed: int = 0, non_zero: int = 1500, block: int = 500, **options) -> None:
    """A file in the HDF5 format of qg_images, written in blocks, so that it may be larger than the memory.

    Parameters
    ----------
    options : of h5py for X_jets, e.g. chunks and compression.
    """
    with h5py.File(path, "w") as file:
        x = file.create_dataset("X_jets", (n, 125, 125, 3), np.float32, **options)
        singles = {key: file.create_dataset(key, (n,), np.float64) for key in ("m0", "pt", "y")}
        for start in range(0, n, block):
            stop = min(start + block, n)
            made = jet_images(stop - start, seed + start, non_zero)
            x[start:stop] = made["X_jets"]
            for key, single in singles.items():
                single[start:stop] = made[key]


def crops(n: int, seed: int = 0, channels: int = 2) -> dict[str, np.ndarray]:
    """Crops X (n, 32, 32, channels) float32 of energy and time around a shower, and y."""
    random = np.random.default_rng(seed)
    distance = np.hypot(*np.mgrid[-16:16, -16:16])
    energy = np.exp(-distance / 1.5) * random.exponential(1, (n, 32, 32))
    hit = energy > 0.01
    hit[:, 16, 16] = True
    x = np.stack([np.where(hit, energy, 0), np.where(hit, random.normal(0, 0.3, hit.shape), 0)], axis=3)
    return {"X": x[..., :channels].astype(np.float32), "y": random.integers(0, 2, n).astype(np.float32)}


def write_electron_photon_hdf5(path: Path, n: int, *, seed: int = 0, channels: int = 2, **options) -> None:
    """A file of electron_photon; options are those of h5py for X."""
    made = crops(n, seed, channels)
    with h5py.File(path, "w") as file:
        file.create_dataset("X", data=made["X"], **options)
        file["y"] = made["y"]


def write_qg_parquet(
    path: Path, n: int, *, seed: int = 0, non_zero: int = 1500, group: int = 10, compression: str = "snappy"
) -> None:
    """A file in the Parquet format of qg_images, of so many rows a group, written in a stream."""
    image = pa.list_(pa.list_(pa.list_(pa.float64())))
    schema = pa.schema({"X_jets": image, "pt": pa.float64(), "m0": pa.float64(), "y": pa.float64()})
    with pq.ParquetWriter(path, schema, compression=compression, use_dictionary=compression != "none") as writer:
        for start in range(0, n, group):
            made = jet_images(min(group, n - start), seed + start, non_zero)
            values = pa.array(made["X_jets"].transpose(0, 3, 1, 2).reshape(-1).astype(np.float64))
            for length in (125, 125, 3):
                offsets = np.arange(0, len(values) + 1, length, dtype=np.int32)
                values = pa.ListArray.from_arrays(pa.array(offsets), values)
            singles = [pa.array(made[name].astype(np.float64)) for name in ("pt", "m0", "y")]
            writer.write_table(pa.table([values, *singles], schema=schema))


def write_idx(folder: Path, n: int, *, seed: int = 0, suffix: str = "") -> tuple[Path, np.ndarray, np.ndarray]:
    """A file of digits and one of their labels, compressed where the suffix is .gz.

    Returns
    -------
    The file of images; the images (n, 28, 28) uint8 and labels (n,) uint8 in the files.
    """
    random = np.random.default_rng(seed)
    images = random.integers(0, 256, (n, 28, 28)).astype(np.uint8) * (random.random((n, 28, 28)) < 0.2)
    images[:, 14, 14] = 255
    labels = random.integers(0, 10, n).astype(np.uint8)
    for name, array in (("train-images-idx3-ubyte", images), ("train-labels-idx1-ubyte", labels)):
        header = np.array([0x0800 | array.ndim, *array.shape], ">u4").tobytes()
        data = header + array.astype(np.uint8).tobytes()
        (folder / (name + suffix)).write_bytes(gzip.compress(data) if suffix else data)
    return folder / f"train-images-idx3-ubyte{suffix}", images, labels


def top_jets(n: int, seed: int = 0, most: int = 60) -> np.ndarray:
    """Massless particles (n, 200, 4) as (E, px, py, pz), zero-padded, 1 to `most` in a jet."""
    random = np.random.default_rng(seed)
    momenta = random.normal(0, 10, (n, 200, 3)).astype(np.float32)
    momenta *= (np.arange(200) < random.integers(1, most + 1, n)[:, None])[..., None]
    energy = np.sqrt(np.square(momenta, dtype=float).sum(axis=2))
    return np.concatenate([energy[..., None], momenta], axis=2).astype(np.float32)


def write_top(path: Path, n: int, *, seed: int = 0, protocol: int = 0, names: bytes | None = None) -> np.ndarray:
    """A file of the Top Tagging Reference, as pandas and PyTables lay it out.

    Parameters
    ----------
    protocol : of the pickled column names.
    names : in the place of the pickled names of the momenta.

    Returns
    -------
    The momenta (n, 200, 4); labels alternate from 0.
    """
    momenta = top_jets(n, seed)
    write_top_jets(path, momenta, np.arange(n) % 2, protocol, names)
    return momenta


def write_top_jets(
    path: Path, momenta: np.ndarray, label: np.ndarray, protocol: int = 0, names: bytes | None = None
) -> None:
    """Such a file of jets (n, 200, 4) as (E, px, py, pz), zero-padded, with their labels (n,)."""
    n = len(momenta)
    kind = [("index", "<i8"), ("values_block_0", "<f4", (804,)), ("values_block_1", "<i8", (2,))]
    rows = np.zeros(n, kind)
    rows["index"] = np.arange(n)
    rows["values_block_0"][:, :800] = momenta.reshape(n, 800)
    rows["values_block_1"][:, 1] = label
    columns = [f"{c}_{i}" for i in range(200) for c in ("E", "PX", "PY", "PZ")]
    columns += ["truthE", "truthPX", "truthPY", "truthPZ"]
    with h5py.File(path, "w") as file:
        table = file.create_dataset("table/table", data=rows, chunks=(min(n, 40),), **hdf5plugin.Blosc("zstd", 9))
        pickled = pickle.dumps(columns, protocol) if names is None else names
        for block, value in enumerate((pickled, pickle.dumps(["ttv", "is_signal_new"], protocol))):
            table.attrs.create(f"values_block_{block}_kind", np.void(value) if b"\0" in value else np.bytes_(value))
        table.attrs["CLASS"] = np.bytes_("TABLE")
        file["table"].attrs["pandas_type"] = np.bytes_("frame_table")


def jetclass_columns(n: int, seed: int = 0) -> tuple[np.ndarray, dict[str, np.ndarray], dict[str, np.ndarray]]:
    """JetClass: particles of each jet (n,), columns of particles (m,), and columns of jets (n,)."""
    random = np.random.default_rng(seed)
    counts = random.integers(1, 60, n)
    m = int(counts.sum())
    momentum = random.normal(0, 20, (m, 3)).astype(np.float32)
    kind = random.integers(0, 5, m)
    charged = np.isin(kind, (0, 3, 4))
    particles = {f"part_{axis}": momentum[:, i] for i, axis in enumerate(("px", "py", "pz"))}
    particles["part_energy"] = np.sqrt(np.square(momentum, dtype=float).sum(axis=1)).astype(np.float32)
    for name in ("d0val", "d0err", "dzval", "dzerr"):
        particles[f"part_{name}"] = (random.exponential(0.1, m) * charged).astype(np.float32)
    particles["part_charge"] = (random.choice([-1, 1], m) * charged).astype(np.float32)
    for i, name in enumerate(("ChargedHadron", "NeutralHadron", "Photon", "Electron", "Muon")):
        particles[f"part_is{name}"] = (kind == i).astype(np.float32)
    jets = {f"jet_{name}": random.uniform(0.1, 0.9, n).astype(np.float32) for name in ("tau1", "tau2", "tau3", "tau4")}
    for name in ("pt", "eta", "phi", "energy", "sdmass"):
        jets[f"jet_{name}"] = random.uniform(1, 2, n).astype(np.float32)
    label = random.integers(0, 10, n)
    for i, name in enumerate(("QCD", "Hbb", "Hcc", "Hgg", "H4q", "Hqql", "Zqq", "Wqq", "Tbqq", "Tbl")):
        jets[f"label_{name}"] = label == i
    return counts, particles, jets


def write_jetclass_root(path: Path, counts: np.ndarray, particles: dict, jets: dict, *, basket: int = 1000) -> None:
    """A file of JetClass, of so many jets a basket."""
    nested = {name.removeprefix("part_"): ak.unflatten(values, counts) for name, values in particles.items()}
    part = ak.zip(nested)
    with uproot.recreate(path, compression=uproot.ZLIB(1)) as file:
        kinds = {name: (values.dtype, values.shape[1:]) for name, values in jets.items()}
        tree = file.mktree(
            "tree", {"part": part.type.content, **{name: np.dtype(kind) for name, kind in kinds.items()}}
        )
        for start in range(0, len(counts), basket):
            rows = slice(start, start + basket)
            tree.extend({"part": part[rows], **{name: values[rows] for name, values in jets.items()}})


def write_jetclass_parquet(path: Path, counts: np.ndarray, particles: dict, jets: dict) -> None:
    """The Parquet twin of a file of JetClass."""
    offsets = pa.array(np.concatenate([[0], np.cumsum(counts)]).astype(np.int32))
    lists = {name: pa.ListArray.from_arrays(offsets, pa.array(values)) for name, values in particles.items()}
    pq.write_table(pa.table({**lists, **jets}), path)
