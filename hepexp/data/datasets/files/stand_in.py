"""A few examples that take the place of a user's files, where a model is used without them.

They are converted ones that a registered model brings, or the first ones of a file that is to be scored. Only their
types and shape matter: the scales are in the checkpoint.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from hepexp.data.datasets.files.classes import OF_PARTICLE
from hepexp.data.datasets.files.keys import Keys
from hepexp.data.datasets.files.reader import Columns, Reader, columns_in, names_in
from hepexp.data.expressions.expression import Expression
from hepexp.data.formats.refusal import damage_in
from hepexp.data.physics.observables import OBSERVABLES
from hepexp.data.store import arrow_file
from hepexp.data.store.ragged import PLACE_READ, Ragged
from hepexp.data.store.store import Store
from hepexp.data.tables.table import Table
from hepexp.errors import DataError

_KEY = b"hepexp"  # of the metadata, as in `arrow_file`
_LEAST, _OF_EACH_CLASS = 200, 20  # examples, so that each split has some of each class
_ONLY_IN_TRAINING = {"selection": None, "weight": None, "balance": "none", "reweight": None}
_WHOLE = dict.fromkeys(("n_files", "n_train", "n_val", "n_test"))


def keys_to_score(path: Path) -> dict[str, Any]:
    """Keys of a data set with which examples can be scored without the files of the training.

    Parameters
    ----------
    path : a file to be scored, whose columns have the types that the model gets.
    """
    name = str(path).replace("${", "\\${")  # in OmegaConf, ${ begins a reference
    return {"stand_in": name, **_WHOLE, **_ONLY_IN_TRAINING}


def is_converted(path: Path) -> bool:
    """Whether a file was written by `write`, or by hepexp otherwise."""
    if path.suffix != ".parquet":
        return False
    if not path.is_file():
        return True  # the file that a registered model came with, which `columns_of` names
    with damage_in(path, "Parquet file"):
        return _KEY in (pq.read_schema(path).metadata or {})


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
    of_examples = {name: kind for name, kind in numbers.items() if name in keys.of_either}
    of_particles = {name: kind for name, kind in lists.items() if name in keys.of_particles}
    numbered = PLACE_READ in schema.names  # not in those of models that were registered before there was such a column
    columns = Columns(keys, of_examples, of_particles, None if shape is None else tuple(shape), numbered)
    if {*columns.layout.names} != {*schema.names}:
        raise DataError(f"{path}: has {', '.join(schema.names)}; expected {', '.join(columns.layout.names)}")
    return columns


def read(path: Path, columns: Columns) -> Ragged:
    """The examples in such a file."""
    return Ragged.concatenate(arrow_file.read(path, columns.layout).chunks)


def columns_to_score(table: Table, keys: Keys) -> Columns:
    """What the keys ask for, with the types that it has in a file to be scored; what that lacks is float64."""
    its = columns_in(table, keys.to_score(table.columns))
    examples = {name: its.of_examples.get(name, np.float64) for name in keys.of_examples}
    for name, one in keys.of_examples.items():
        if keys.p4 and one.text in OBSERVABLES and name not in its.of_examples and name in map(str, keys.observers):
            del examples[name]  # computed of the particles
    particles = {name: its.of_particles.get(name, np.float64) for name in keys.of_particles}
    return Columns(keys, examples, particles, its.shape)


def made_of(parts: Iterable[Ragged], columns: Columns, n_classes: int) -> Ragged:
    """The first examples of a file to be scored, repeated, of each class in turn.

    Only their momenta and edges, or pixels, are those of the file. All else is 0 and 1, which has a spread, as targets
    and inputs of a training have; its scales will be those of the checkpoint.

    Raises
    ------
    DataError : none can be scored.
    """
    n, layout, keys = _LEAST + _OF_EACH_CLASS * n_classes, columns.layout, columns.keys
    for part in parts:
        rows = np.arange(len(part)) if keys.p4 is None else np.flatnonzero(part.counts > 0)
        if len(rows):
            found = part.take(np.resize(rows[:n], n))
            break
    else:
        raise DataError("no example to be scored" if keys.p4 is None else "no example to be scored has any particles")
    momenta = {one.text for one in keys.momenta.values() if isinstance(one, Expression)}
    invented = {name for name in (*columns.of_particles, OF_PARTICLE) if name in layout.elements.keys() - momenta}
    elements = found.elements | dict.fromkeys(invented, np.arange(int(found.offsets[-1])) % 2)
    extras = dict.fromkeys(layout.extras, np.arange(n) % 2)
    label = np.arange(n) % n_classes if n_classes else found.label
    edges = found.edges
    if edges is not None:
        lacking = {name for name in layout.edges if name not in edges.elements}
        edges = replace(edges, elements=edges.elements | dict.fromkeys(lacking, np.arange(int(edges.offsets[-1])) % 2))
    return Ragged(label, found.offsets, elements, extras, edges).cast(layout)


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
