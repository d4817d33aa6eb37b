"""Random batches of jet images: from the store, from the published HDF5 file, and from Parquet partitions.

All return the same dense batches (64, 3, 125, 125) float32 in the same order. The references are as fast as their
formats allow: each image of the HDF5 file is a gzip-compressed chunk of its own, so that a random read decompresses
nothing else; of the Parquet file, which has row groups of ten rows, the most recently read group is cached.

Theoretical limit: a batch of 64 is 12 MB of float32, mostly zeros, which are written at about 5 GB/s; its 48,000
non-zero values are read from 0.3 MB of the file.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from hepexp.data.datasets.qg_images.info import INFO
from hepexp.data.datasets.qg_images.info import LAYOUT as QG_IMAGES_LAYOUT
from hepexp.data.loading.split_store import open_sample
from hepexp.data.store import arrow_file
from hepexp.data.store.images import to_dense
from hepexp.data.store.ragged import Ragged
from hepexp.data.store.store import Store

BATCH = 64
SHAPE = (3, 125, 125)  # channels, rows, columns
Reader = Callable[[np.ndarray], np.ndarray]


def rows(n: int = 2048, batches: int = 8, repeats: int = 5) -> list[dict]:
    """Images per second: medians over passes of random batches, alternating between readers, after a warm-up.

    Parameters
    ----------
    n : number of images in the files, taken from the shipped sample and repeated if that is smaller.
    batches : number of batches per pass.
    repeats : number of passes of each reader.
    """
    mini = open_sample(INFO)
    images = mini.take(np.arange(n) % len(mini))
    random = np.random.default_rng(1)
    with tempfile.TemporaryDirectory() as folder:
        readers = {
            "hepexp": _store(Path(folder), images),
            "h5py-gzip": _hdf5(Path(folder), images),
            "partition-cache": _parquet(Path(folder), images),
        }
        wanted = random.permutation(n)[:BATCH]
        first = [read(wanted) for read in readers.values()]
        assert all(np.array_equal(first[0], other) for other in first[1:])
        rates: dict[str, list[float]] = {name: [] for name in readers}
        for _ in range(repeats):
            passes = [random.permutation(n)[:BATCH] for _ in range(batches)]
            for name, read in readers.items():
                start = time.perf_counter()
                for wanted in passes:
                    read(wanted)
                rates[name].append(batches * BATCH / (time.perf_counter() - start))
    return [{"case": "read_images", "implementation": name, "per_second": median(r)} for name, r in rates.items()]


def _store(folder: Path, images: Ragged) -> Reader:
    path = folder / "images.arrow"
    arrow_file.write(path, QG_IMAGES_LAYOUT, [images], {})
    store = Store.open(QG_IMAGES_LAYOUT, path)
    return lambda wanted: to_dense(store.take(wanted), SHAPE)


def _hdf5(folder: Path, images: Ragged) -> Reader:
    """The published layout: X_jets (N, 125, 125, 3), channels last."""
    channels, rows, columns = SHAPE
    file = h5py.File(folder / "images.hdf5", "w")
    shape = (len(images), rows, columns, channels)
    x = file.create_dataset("X_jets", shape, np.float32, chunks=(1, *shape[1:]), compression="gzip")
    for start in range(0, len(images), BATCH):
        dense = to_dense(images.take(slice(start, start + BATCH)), SHAPE)
        x[start : start + BATCH] = dense.transpose(0, 2, 3, 1)

    def read(wanted: np.ndarray) -> np.ndarray:
        order = np.argsort(wanted)  # h5py requires ascending rows
        batch = np.empty((len(wanted), channels, rows, columns), np.float32)
        batch[order] = x[wanted[order]].transpose(0, 3, 1, 2)
        return batch

    return read


def _parquet(folder: Path, images: Ragged, group: int = 10) -> Reader:
    """The published layout: X_jets as list<list<list<double>>>, a row group every ten rows."""
    path, lengths = folder / "images.parquet", SHAPE[::-1]
    schema = pa.schema({"X_jets": pa.list_(pa.list_(pa.list_(pa.float64())))})
    with pq.ParquetWriter(path, schema, compression="snappy") as writer:
        for start in range(0, len(images), group):
            dense = to_dense(images.take(slice(start, start + group)), SHAPE)
            values = pa.array(dense.reshape(-1).astype(np.float64))
            for length in lengths:
                values = pa.ListArray.from_arrays(np.arange(0, len(values) + 1, length, dtype=np.int32), values)
            writer.write_table(pa.table([values], schema=schema))
    file = pq.ParquetFile(path)
    cached: dict[int, np.ndarray] = {}

    def partition(number: int) -> np.ndarray:
        if number not in cached:
            cached.clear()
            column = file.read_row_group(number).column(0).combine_chunks()
            cached[number] = column.flatten().flatten().flatten().to_numpy().reshape(-1, *SHAPE)
        return cached[number]

    return lambda wanted: np.stack([partition(row // group)[row % group] for row in wanted]).astype(np.float32)
