"""A few converted examples that take the place of a user's files, where a model is used that came without them."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from hepexp.data.datasets.files.keys import Keys
from hepexp.data.datasets.files.reader import Columns, Reader, names_in
from hepexp.data.formats.refusal import damage_in
from hepexp.data.store import arrow_file
from hepexp.data.store.ragged import Ragged
from hepexp.data.store.store import Store
from hepexp.errors import DataError

_KEY = b"hepexp"  # of the metadata, as in `arrow_file`


def write(path: Path, store: Store, rows: NDArray[np.int64]) -> None:
    """Write the examples at these rows of a store to a Parquet file."""
    shape = store.layout.shape
    about = {"made_from": "files of one's own", "shape": None if shape is None else list(shape)}
    arrow_file.write(path, store.layout, [store.take(rows)], about)


def columns_of(path: Path, keys: Keys) -> Columns:
    """What the keys ask for, with the types that it has in such a file.

    Raises
    ------
    DataError : it is missing or damaged, or was written for other keys.
    """
    if not path.is_file():
        raise DataError(f"{path}: no such file; expected the examples that came with a registered model")
    with damage_in(path, "Parquet file"):
        schema = pq.read_schema(path)
        shape = json.loads((schema.metadata or {}).get(_KEY, b"{}")).get("shape")
    lists = {one.name: one.type.value_type.to_pandas_dtype() for one in schema if pa.types.is_list(one.type)}
    numbers = {one.name: one.type.to_pandas_dtype() for one in schema if not pa.types.is_list(one.type)}
    of_examples = {name: kind for name, kind in numbers.items() if name in keys.of_examples}
    of_particles = {name: kind for name, kind in lists.items() if name in keys.of_particles}
    columns = Columns(keys, of_examples, of_particles, None if shape is None else tuple(shape))
    if {*columns.layout.names} != {*schema.names}:
        raise DataError(f"{path}: has {', '.join(schema.names)}; expected {', '.join(columns.layout.names)}")
    return columns


def read(path: Path, columns: Columns) -> Ragged:
    """The examples in such a file."""
    return Ragged.concatenate(arrow_file.read(path, columns.layout).chunks)


def first_rows(readers: Iterable[Reader], n: int) -> dict[str, list[Any]]:
    """What a model needs of the first examples that are used, at most n of one file, by the columns of the file."""
    for reader in readers:
        chosen = next((rows[:n] for _, rows in reader if len(rows)), None)
        if chosen is None:
            continue
        table = reader.table
        names = names_in(table, reader.keys.to_score(()))
        columns: dict[str, list[Any]] = {name: [] for name in names}
        for chunk in table.batches(names):
            for row in chosen[(chosen >= chunk.first) & (chosen < chunk.first + chunk.n)] - chunk.first:
                for name, values in chunk.columns.items():
                    one = values[row : row + 1].values
                    columns[name].append(one[0] if values.offsets is None else one)
            if chosen[-1] < chunk.first + chunk.n:
                return columns
    return {}
