"""Which columns a file has: fields of structures, places on the last axis, numbered columns, padding.

Particles padded to a fixed length are told from padding by

- a field `valid` or `mask` of the same structure or array, or an array of that name in the same group;
- otherwise by being non-zero: in any feature of an array (N, P, F), in any real array (N, P) of the group, or in any of
  the families `E_0, E_1, ..., PX_0, PX_1, ...` of the same length.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from hepexp.data.tables.column import Column, Mask, Rows, not_empty
from hepexp.data.tables.source import Contents
from hepexp.data.values import Values

MASKS = ("valid", "mask", "is_valid", "particle_mask")
MOST_FEATURES = 32  # of a particle, in arrays without names; longer last axes are pixels
MOST_PLACES = 128  # of an array that are columns of their own
_LEAST_FAMILY = 8


@dataclass(frozen=True)
class Plain:
    """An array of plain numbers: a stored one, a field of a structure, or a named place of one.

    Parameters
    ----------
    place : the stored array, the field in it or "", and the place on the axis of this field or -1.
    owner : arrays with the same owner have the particles in common.
    """

    name: str
    dtype: np.dtype
    shape: tuple[int | None, ...]
    place: tuple[str, str, int]
    owner: str
    names: tuple[str, ...] = ()
    unit: str = ""
    units: Mapping[str, str] | None = None

    @property
    def axes(self) -> tuple[int, ...]:
        """The shape of an array, which is no list."""
        return tuple(length for length in self.shape if length is not None)

    def read(self, rows: Rows) -> NDArray:
        stored, field, index = self.place
        values = rows.stored[stored].values
        values = values[field] if field else values
        return values if index < 0 else values[:, index]


def columns_of(contents: Contents) -> dict[str, Column]:
    """The columns of a file."""
    arrays = list(_arrays(contents))
    found: list[Column] = []
    masks = _masks(arrays)
    for array in arrays:
        needs = frozenset([array.place[0]])
        if array.shape == ():
            read = lambda rows, array=array: Values(array.read(rows))  # noqa: E731
            is_label = contents.stored[array.place[0]].is_label
            found.append(Column(array.name, array.dtype, "example", needs, read, unit=array.unit, is_label=is_label))
        elif array.shape == (None,):
            read = lambda rows, array=array: rows.stored[array.place[0]]  # noqa: E731
            found.append(Column(array.name, array.dtype, "particles", needs, read, unit=array.unit))
        else:
            found += _dense(array, masks)
    families, in_families = _families([array for array in arrays if array.shape == ()], {c.name for c in found})
    hidden = in_families | {f"n{column.name}" for column in found if column.shape == () and column.level == "particles"}
    columns: dict[str, Column] = {}
    for column in [*families, *found]:
        listed = column.listed and column.name not in hidden  # the lengths of a list, as ROOT stores them, neither
        columns.setdefault(column.name, replace(column, dtype=column.dtype.newbyteorder("="), listed=listed))
    return columns


def _arrays(contents: Contents) -> list[Plain]:
    made = []
    for name, stored in contents.stored.items():
        units = stored.units
        if stored.dtype.names is None:
            place = (name, "", -1)
            made.append(
                Plain(name, stored.dtype, stored.shape, place, stored.group, stored.names, units.get("", ""), units)
            )
            continue
        prefix = f"{name}." if name else ""
        for field in stored.dtype.names:
            kind = stored.dtype[field]
            if field in stored.blocks:
                made += [
                    Plain(f"{prefix}{column}", kind.base, (), (name, field, k), name)
                    for k, column in enumerate(stored.blocks[field])
                ]
                continue
            shape, place = (*stored.shape, *kind.shape), (name, field, -1)
            made.append(Plain(f"{prefix}{field}", kind.base, shape, place, f"{name}.", unit=units.get(field, "")))
    return made


def _masks(arrays: list[Plain]) -> dict[tuple[str, int], Mask]:
    """For each owner and length, how padding is recognised in its arrays of one axis."""
    together: dict[tuple[str, int], list[Plain]] = defaultdict(list)
    for array in arrays:
        if len(array.shape) == 1 and array.shape[0] is not None and not array.names:
            together[array.owner, array.shape[0]].append(array)
    masks = {}
    for key, members in together.items():
        given = [array for array in members if _is_mask(array.name)]
        if given:
            read, about = (lambda rows, array=given[0]: array.read(rows) > 0), f"where {given[0].name} is true"
            masks[key] = Mask(key, frozenset([given[0].place[0]]), read, about)
            continue
        real = [array for array in members if array.dtype.kind == "f"] or members
        needs = frozenset(array.place[0] for array in real)
        about = "where non-zero" + (f" in any of {len(real)} columns" if real[1:] else "")
        masks[key] = Mask(key, needs, _any_not_empty([array.read for array in real]), about, alone=len(members) == 1)
    return masks


def _any_not_empty(reads: list[Callable[[Rows], NDArray]]) -> Callable[[Rows], NDArray[np.bool_]]:
    return lambda rows: np.any([not_empty(read(rows)) for read in reads], axis=0)


def _is_mask(name: str) -> bool:
    return name.rpartition(".")[2].lower() in MASKS


def _dense(array: Plain, masks: Mapping[tuple[str, int], Mask]) -> list[Column]:
    """The columns of an array with axes beside that of the examples."""
    needs, shape = frozenset([array.place[0]]), array.axes
    whole = Column(
        array.name, array.dtype, "array", needs, lambda rows: Values(array.read(rows)), shape=shape, unit=array.unit
    )
    prefix = f"{array.name}." if array.name else ""
    indexed = shape[-1] if shape[-1] <= MOST_PLACES else 0
    titles = [f"{prefix}{name}" for name in array.names] or [f"{array.name}[{i}]" for i in range(indexed)]
    units = [(array.units or {}).get(name, array.unit) for name in array.names] or [array.unit] * indexed
    if len(shape) == 1:
        places = [
            Column(title, array.dtype, "example", needs, _place(array, i), unit=unit, listed=bool(array.names))
            for i, (title, unit) in enumerate(zip(titles, units, strict=True))
        ]
        if array.names:
            return places
        mask = masks[array.owner, shape[0]]
        if mask.alone and shape[0] > MOST_PLACES:
            return [whole]
        read, needs = mask.apply(array.read), needs | mask.needs
        padded = Column(array.name, array.dtype, "particles", needs, read, shape, array.unit, mask.about)
        if mask.alone:  # features of an example, more likely than particles with one feature
            return [replace(padded, listed=False), *(replace(place, listed=True) for place in places)]
        return [padded, *places]
    if len(shape) != 2 or not (array.names or (shape[-1] <= MOST_FEATURES and shape[0] != shape[1])):
        return [whole]
    mask = _mask_of_features(array, masks)
    features = [
        Column(
            title,
            array.dtype,
            "particles",
            needs | mask.needs,
            mask.apply(_feature(array, i)),
            shape[:1],
            unit,
            mask.about,
        )
        for i, (title, unit) in enumerate(zip(titles, units, strict=True))
    ]
    return features if array.names else [replace(whole, listed=False), *features]


def _place(array: Plain, i: int) -> Callable[[Rows], Values]:
    return lambda rows: Values(array.read(rows)[:, i])


def _feature(array: Plain, i: int) -> Callable[[Rows], NDArray]:
    return lambda rows: array.read(rows)[..., i]


def _mask_of_features(array: Plain, masks: Mapping[tuple[str, int], Mask]) -> Mask:
    given = [i for i, name in enumerate(array.names) if _is_mask(name)]
    needs = frozenset([array.place[0]])
    if given:
        about = f"where {array.names[given[0]]} is true"
        return Mask(array.name, needs, lambda rows: array.read(rows)[..., given[0]] > 0, about)
    shared = masks.get((array.owner, array.axes[0]))
    if shared is not None and shared.about.endswith("true"):
        return shared
    return Mask(array.name, needs, lambda rows: np.any(not_empty(array.read(rows)), axis=-1), "where any is non-zero")


def _families(numbers: list[Plain], taken: set[str]) -> tuple[list[Column], set[str]]:
    """Columns of particles from numbered columns, `E` from E_0, E_1, ... of one type; and the names of these."""
    numbered: dict[str, dict[int, Plain]] = defaultdict(dict)
    for array in numbers:
        if match := re.fullmatch(r"(.+)_(0|[1-9]\d{0,4})", array.name):
            numbered[match[1]][int(match[2])] = array
    families: dict[tuple[str, int, int], dict[str, list[Plain]]] = defaultdict(dict)
    for name, members in numbered.items():
        first, n = min(members), len(members)
        one_type = len({array.dtype for array in members.values()}) == 1
        if n >= _LEAST_FAMILY and one_type and first <= 1 and max(members) == first + n - 1:
            owner = members[first].owner
            families[owner, first, n][name] = [members[i] for i in sorted(members)]
    made: list[Column] = []
    in_families: set[str] = set()
    for key, of_length in families.items():
        real = [name for name, members in of_length.items() if members[0].dtype.kind == "f"] or list(of_length)
        reads = {name: _side_by_side((key, name), members) for name, members in of_length.items()}
        needs = frozenset(array.place[0] for name in real for array in of_length[name])
        about = f"where any of {', '.join(real[:6])}{' ...' * (len(real) > 6)} is non-zero"
        mask = Mask(("family", key), needs, _any_not_empty([reads[name] for name in real]), about)
        for name, side_by_side in of_length.items():
            mine = frozenset(array.place[0] for array in side_by_side) | needs
            title, read = (name if name not in taken else f"{name}_"), mask.apply(reads[name])
            made.append(Column(title, side_by_side[0].dtype, "particles", mine, read, key[2:], padding=about))
            in_families.update(array.name for array in side_by_side)
    return made, in_families


def _side_by_side(key: tuple, members: list[Plain]) -> Callable[[Rows], NDArray]:
    """(n, P) from P columns; at once if they are places on one axis, as pandas stores them."""
    stored, field, _ = members[0].place
    at = [array.place[2] for array in members]
    together = all(array.place[:2] == (stored, field) and array.place[2] >= 0 for array in members)
    step = at[1] - at[0]
    even = together and step > 0 and at == list(range(at[0], at[-1] + 1, step))

    def read(rows: Rows) -> NDArray:
        if not together:
            return np.stack([array.read(rows) for array in members], axis=1)
        values = rows.stored[stored].values[field]
        return values[:, at[0] : at[-1] + 1 : step] if even else values[:, at]

    return lambda rows: rows.once(("side by side", key), lambda: read(rows))
