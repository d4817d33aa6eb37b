"""Read a file of a data set, whatever its format: one that is published, the store's, or a table by other programs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib import import_module
from inspect import signature
from pathlib import Path

import numpy as np

from hepexp.data.dataset_info import DatasetInfo
from hepexp.data.formats import columns
from hepexp.data.formats.refusal import damage_in
from hepexp.data.store import arrow_file
from hepexp.data.store.integrity import refuse_broken_lists, refuse_changed
from hepexp.data.store.ragged import Ragged, regroup
from hepexp.data.store.store import Store
from hepexp.errors import DataError

_ROWS_TO_CHECK = 2000  # at once


def read_published(
    info: DatasetInfo, path: Path, needs_label: bool = True, yields: dict[str, int] | None = None
) -> Iterator[Ragged]:
    """The checked examples of one file in a published format, as a stream.

    Parameters
    ----------
    needs_label : refuse a file without labels; otherwise its examples are of unknown class.
    yields : to which numbers of examples before and after each selection are written at the end, if there are any.

    Raises
    ------
    DataError : the file is missing, in another format, damaged, or contains unphysical values.
    """
    if info.read is not None:
        return info.read(path, needs_label, yields)
    suffix = _suffix(path)
    if suffix not in info.readers:
        expected = ", ".join(dict.fromkeys((*info.readers, ".arrow", ".parquet")))
        raise DataError(f"{path}: unknown format '{path.suffix}' for {info.name}; expected one of {expected}")
    reads = info.readers[suffix]
    if not isinstance(reads, str):
        return _checked(info, path, reads)
    module, _, function = reads.partition(":")
    reader = getattr(import_module(module), function)
    knows = "needs_label" in signature(reader).parameters  # a plug-in's may not
    return reader(path, needs_label=needs_label) if knows else reader(path)


def _checked(info: DatasetInfo, path: Path, reader: Callable[[Path], Iterator[Ragged]]) -> Iterator[Ragged]:
    """The examples that a reader without checks of its own yields, checked, in the types of the layout."""
    first = 0
    with damage_in(path, f"{path.suffix} file"):
        for part in reader(path):
            yield info.check(part, str(path), first).cast(info.layout)
            first += len(part)


def is_readable(info: DatasetInfo, path: Path) -> bool:
    """Whether a file has the name of a format that can be read."""
    return info.read is not None or _suffix(path) in (*info.readers, ".arrow", ".parquet")


def is_store(info: DatasetInfo, path: Path) -> bool:
    """Whether a file is in the store's format, judging by its name, or by its columns if that is ambiguous."""
    if path.suffix not in (".arrow", ".parquet"):
        return False
    if info.read is not None:
        return arrow_file.column_names(path) in (info.layout.names, info.layout.names[1:])
    if path.suffix == ".arrow" or ".parquet" not in info.readers:
        return True
    return arrow_file.column_names(path) in (None, info.layout.names, info.layout.names[1:])


def open_file(info: DatasetInfo, path: Path, needs_label: bool = True) -> Store:
    """The examples of one file in any format that can be read, all of them checked.

    Parameters
    ----------
    needs_label : as in `read_published`.

    Raises
    ------
    DataError : as in `read_published`.
    """
    path, layout = Path(path), info.layout
    if not is_store(info, path):
        parts = read_published(info, path, needs_label)
    elif arrow_file.is_by_others(path, layout):
        parts = columns.read(path, layout, info.check, needs_label)
    else:
        return _open_stored(info, path, needs_label)
    return Store(layout, list(parts), metadata=[{"made_from": path.name}])


def stores_of(info: DatasetInfo, path: Path) -> Iterator[Store]:
    """The examples of one file, labelled or not, in parts that fit into memory.

    A user's file may lack columns that no model needs; then so do the examples.

    Raises
    ------
    DataError : as in `read_published`.
    """
    path = Path(path)
    if is_store(info, path):
        yield open_file(info, path, needs_label=False)
        return
    for part in regroup(read_published(info, path, needs_label=False)):
        yield Store(info.layout.with_extras_of(part), [part], metadata=[{"made_from": path.name}])


def _open_stored(info: DatasetInfo, path: Path, needs_label: bool) -> Store:
    with damage_in(path, "file of the store"):
        contents = arrow_file.read(path, info.layout, needs_label, every_list=True)
        refuse_broken_lists(contents.chunks, path)
        store = Store.of_contents(info.layout, [path], [contents])
    for first in range(0, len(store), _ROWS_TO_CHECK):
        examples = store.take(np.arange(first, min(first + _ROWS_TO_CHECK, len(store))))
        if not needs_label and not store.labelled:
            examples.label[:] = 0  # any valid label, so that the check covers everything else
        info.check(examples, str(path), first)
    refuse_changed(contents, info.layout, path)
    return store


def _suffix(path: Path) -> str:
    name = path.name.removesuffix(".gz")
    return ".idx" if name.endswith("-ubyte") else Path(name).suffix  # idx files have no extension
