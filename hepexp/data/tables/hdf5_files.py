"""HDF5: dense arrays, structured arrays, tables written by pandas, in any groups."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import h5py
import hdf5plugin  # noqa: F401  importing it registers the blosc filter with h5py
import numpy as np

from hepexp.config.suggest import did_you_mean
from hepexp.data.formats.hdf5 import attribute_bytes, dataset, opened
from hepexp.data.formats.pickled_names import names_in
from hepexp.data.formats.refusal import listed
from hepexp.data.tables.source import MOST_ARRAYS, Contents, Stored, pieces, refusal_of, rows_for
from hepexp.data.values import Values
from hepexp.errors import ConfigError, DataError

MOST_DEPTH = 8
_MOST_NAMES = 2**14
_OF_LABELS = re.compile(r"(flavou?r|class|truth)_?(labels?|names?)", re.I)  # attributes that name the values of a label
_JETNET = {  # the arrays of JetNet's files have no names; doi:10.5281/zenodo.6975118
    "particle_features": ("eta_rel", "phi_rel", "pt_rel", "mask"),
    "jet_features": ("pt", "eta", "mass", "num_particles"),
}


@dataclass(frozen=True)
class Found:
    """An array in the file: the key to read it with, and what it is called."""

    key: str
    name: str
    stored: Stored


@dataclass(frozen=True)
class Hdf5File:
    """The arrays below a group of an HDF5 file that have as many rows as most of them.

    An array in groups `a` and `b` is called `a.b.name`, without what `tree` says. The columns of a pandas frame have
    their own names if it is the only one.

    Parameters
    ----------
    tree : a group, or an array; the whole file by default.
    key : of the configuration that `tree` is the value of, for messages.
    """

    path: Path
    tree: str | None = None
    key: str = "tree"
    kind: str = "HDF5 file"

    def contents(self) -> Contents:
        wrong = None
        with opened(self.path) as file:
            wrong = self._wrong(file)
            if wrong is None:
                n_rows, found, refused = self._walk(file)
                if len({array.name for array in found}) < len(found):
                    raise DataError(f"{self.path}: two arrays of one name; expected different names: choose a group")
                return Contents(n_rows, {array.name: array.stored for array in found}, refused)
        raise ConfigError(wrong)

    def batches(self, names: list[str], rows_at_once: int) -> Iterator[tuple[int, dict[str, Values]]]:
        with opened(self.path) as file:
            n_rows, found, _ = self._walk(file)
            wanted = {array.name: array for array in found if array.name in names}
            stored = {name: array.stored for name, array in wanted.items()}
            step = rows_for(self.path, stored, rows_at_once)
            # whole chunks, as each is decompressed again for each read from it
            chunk = max((file[array.key].chunks or (1,))[0] for array in wanted.values())
            several = rows_for(self.path, stored, max(step, chunk))
            for first in range(0, n_rows, several):
                rows = slice(first, min(first + several, n_rows))
                yield from pieces(first, {name: Values(file[a.key][rows]) for name, a in wanted.items()}, step)

    def _wrong(self, file: h5py.File) -> str | None:
        if self.tree is None or self.tree.strip("/") in file:
            return None
        close = did_you_mean(self.tree, file)
        return f"{self.key}: no group or array '{self.tree}' in {self.path}{close} (found: {listed(file)})"

    def _walk(self, file: h5py.File) -> tuple[int, list[Found], dict[str, str]]:
        refused: dict[str, str] = {}
        start = (self.tree or "").strip("/")
        if start and not isinstance(file[start], h5py.Group):
            self._check_way(file, start)
            arrays = [(start, "")]
        else:
            arrays = []
            if start:
                self._check_way(file, start)
            self._collect(file[start] if start else file, start, "", 0, set(), arrays, refused)
        frames = [key for key, _ in arrays if _is_frame(file, key)]
        found = []
        for key, name in arrays:
            group = key.rpartition("/")[0]
            if key in frames:  # pandas puts the table in a group of the name that the user chose
                name = "" if len(frames) == 1 else name.rpartition(".")[0]
            elif _fixed_part(file, group, key) is False:
                continue
            described = self._stored(file, key, group)
            name = name.removesuffix(".block0_values") if _fixed_part(file, group, key) else name
            if isinstance(described, str):
                refused[name or key] = described
            else:
                found.append(Found(key, name, described))
        return self._same_length(file, found, refused)

    def _collect(
        self,
        group: h5py.Group,
        key: str,
        name: str,
        depth: int,
        seen: set[bytes],
        arrays: list[tuple[str, str]],
        refused: dict[str, str],
    ) -> None:
        """Keys and names of the arrays below a group; links are not followed, and no group is entered twice."""
        place = bytes(h5py.h5o.get_info(group.id).addr.to_bytes(8, "little", signed=False))
        if place in seen or depth > MOST_DEPTH:
            return
        seen.add(place)
        for child in group:
            its_key, its_name = f"{key}/{child}".lstrip("/"), f"{name}.{child}".lstrip(".")
            if len(arrays) + len(refused) > MOST_ARRAYS:
                raise DataError(f"{self.path}: more than {MOST_ARRAYS:,} arrays")
            if not isinstance(group.get(child, getlink=True), h5py.HardLink):
                refused[its_name] = "a link, which is not followed"
            elif isinstance(found := group[child], h5py.Group):
                if child.startswith("_i_"):  # the index of a PyTables table
                    continue
                self._collect(found, its_key, its_name, depth + 1, seen, arrays, refused)
            elif isinstance(found, h5py.Dataset):
                arrays.append((its_key, its_name))

    def _check_way(self, file: h5py.File, key: str) -> None:
        parts = key.split("/")
        for i in range(1, len(parts) + 1):
            if not isinstance(file.get("/".join(parts[:i]), getlink=True), h5py.HardLink):
                raise DataError(f"{self.path}: '{'/'.join(parts[:i])}' is a link; expected data stored in this file")

    def _stored(self, file: h5py.File, key: str, group: str) -> Stored | str:
        """What an array holds, or why it is not read."""
        parent, _, child = key.rpartition("/")
        try:
            array = dataset(file[parent] if parent else file, self.path, child, ())
        except DataError as error:
            return str(error).removeprefix(f"{self.path}: ")
        if not array.shape:
            return "a single value"
        dtype = array.dtype
        if _is_frame(file, key):
            return _frame(array, f"{self.path}: '{key}'")
        why = refusal_of(dtype)
        if why:
            return why
        shape = array.shape[1:]
        names: tuple[str, ...] = ()
        if len(shape) in (1, 2) and dtype.names is None:
            names = _names(array, shape[-1]) or _fixed_names(file, key, shape[-1])
            jetnet = _JETNET.get(child, ())
            if not names and jetnet and set(_JETNET) <= set(file[parent] if parent else file):
                names = jetnet[: shape[-1]] if shape[-1] <= len(jetnet) else ()
        is_label = dtype.names is None and not shape and any(map(_OF_LABELS.search, list(array.attrs)[:64]))
        return Stored(np.dtype(dtype), shape, names, units=_units(array, names), group=group, is_label=is_label)

    def _same_length(
        self, file: h5py.File, found: list[Found], refused: dict[str, str]
    ) -> tuple[int, list[Found], dict[str, str]]:
        lengths = Counter(file[array.key].shape[0] for array in found)
        if len(lengths) > 1 and lengths.most_common(2)[0][1] == lengths.most_common(2)[1][1]:
            said = listed(f"{array.name} {file[array.key].shape[0]:,}" for array in found)
            raise DataError(
                f"{self.path}: arrays of different lengths, {said}; expected one length: choose a group with {self.key}"
            )
        n_rows = lengths.most_common(1)[0][0] if lengths else 0
        for array in found:
            if (n := file[array.key].shape[0]) != n_rows:
                refused[array.name] = f"{n:,} rows where other arrays have {n_rows:,}"
        return n_rows, [array for array in found if array.name not in refused], refused


def _is_frame(file: h5py.File, key: str) -> bool:
    found = file[key]
    return isinstance(found, h5py.Dataset) and key.endswith("table") and found.attrs.get("CLASS") == b"TABLE"


def _frame(table: h5py.Dataset, where: str) -> Stored | str:
    """A table of pandas: blocks of columns of one type, whose names are pickled lists, and columns of their own."""
    if table.dtype.names is None or len(table.shape) != 1:
        return "a table without columns"
    blocks, kept = {}, []
    for name in table.dtype.names:
        kind = table.dtype[name]
        if name == "index" or refusal_of(kind):
            continue
        if name.startswith("values_block_") and kind.ndim == 1:
            pickled = attribute_bytes(table, f"{name}_kind")
            blocks[name] = tuple(names_in(pickled, f"{where}, attribute '{name}_kind'"))
            if len(blocks[name]) != kind.shape[0]:
                return f"a table whose attribute '{name}_kind' names {len(blocks[name])} columns, not {kind.shape[0]}"
        kept.append(name)
    fields = {name: table.dtype.fields[name] for name in kept}
    dtype = np.dtype(
        {
            "names": kept,
            "formats": [fields[name][0] for name in kept],
            "offsets": [fields[name][1] for name in kept],
            "itemsize": table.dtype.itemsize,
        }
    )
    return Stored(dtype, (), blocks=blocks)


def _fixed_part(file: h5py.File, group: str, key: str) -> bool | None:
    """Whether an array holds the numbers of a frame in pandas's fixed format; None if it is not part of one."""
    if not group or "block0_values" not in file[group]:
        return None
    return key.endswith("/block0_values")


def _fixed_names(file: h5py.File, key: str, n: int) -> tuple[str, ...]:
    items = key.removesuffix("_values") + "_items"
    if not key.endswith("/block0_values") or not isinstance(file.get(items, getlink=True), h5py.HardLink):
        return ()
    found = file[items]
    if not isinstance(found, h5py.Dataset) or found.shape != (n,) or found.dtype.kind != "S" or n > _MOST_NAMES:
        return ()
    return _distinct([_text(value) for value in found[:].tolist()])


def _names(array: h5py.Dataset, n: int) -> tuple[str, ...]:
    """Names of the places on the last axis: an attribute with as many texts as there are places."""
    if not 0 < n <= _MOST_NAMES:
        return ()
    for attribute in list(array.attrs)[:64]:
        found = h5py.h5a.open(array.id, attribute.encode())
        if found.shape != (n,) or not (found.dtype.kind in "SU" or h5py.check_string_dtype(found.dtype)):
            continue
        if "unit" in attribute.lower():
            continue
        if names := _distinct([_text(value) for value in array.attrs[attribute]]):
            return names
    return ()


def _units(array: h5py.Dataset, names: tuple[str, ...]) -> dict[str, str]:
    for attribute in ("units", "unit"):
        value = array.attrs.get(attribute)
        if isinstance(value, bytes | str):
            return {"": _text(value)}
        if isinstance(value, np.ndarray) and value.shape == (len(names),) and value.dtype.kind in "SUO":
            return {name: _text(unit) for name, unit in zip(names, value, strict=True)}
    return {}


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _distinct(texts: list[str]) -> tuple[str, ...]:
    return tuple(texts) if len(set(texts)) == len(texts) and all(texts) else ()
