"""Columns of a table: numbers of examples, lists of particles without their padding, arrays such as images."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from hepexp.data.values import Values

T = TypeVar("T")
Level = Literal["example", "particles", "array"]


@dataclass
class Rows:
    """Consecutive rows of what is stored in a file.

    Parameters
    ----------
    stored : the arrays.
    made : what several columns need, computed once.
    """

    stored: Mapping[str, Values]
    made: dict[Hashable, Any] = field(default_factory=dict)

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """What `make` gives, computed at the first call with this key."""
        if key not in self.made:
            self.made[key] = make()
        return self.made[key]


@dataclass(frozen=True)
class Column:
    """A column.

    Parameters
    ----------
    name : as expressions call it.
    dtype : of its numbers.
    level : one number per example, a list with one per particle, or an array per example.
    needs : names of what is read from the file for it.
    read : its values in some rows.
    shape : of the array of an example; for particles, (P,) if the file pads them to P, otherwise empty.
    unit : as the file gives it.
    padding : how padding is recognised, for the reader of a description.
    is_label : whether the file says that it is a label.
    listed : whether a description shows it; the places of an array that is shown are not.
    """

    name: str
    dtype: np.dtype
    level: Level
    needs: frozenset[str]
    read: Callable[[Rows], Values]
    shape: tuple[int, ...] = ()
    unit: str = ""
    padding: str = ""
    is_label: bool = False
    listed: bool = True


@dataclass(frozen=True)
class Mask:
    """Which places of padded arrays are particles.

    Parameters
    ----------
    key : the same for arrays that share it.
    needs : names of what is read from the file for it.
    read : (n, P) true for particles.
    about : how it is recognised.
    alone : whether it is made from the only array of its group and length, whose axis may be another.
    """

    key: Hashable
    needs: frozenset[str]
    read: Callable[[Rows], NDArray[np.bool_]]
    about: str
    alone: bool = False

    def offsets(self, rows: Rows) -> NDArray[np.int64]:
        def make() -> NDArray[np.int64]:
            return np.concatenate([[0], np.cumsum(self.real(rows).sum(axis=1, dtype=np.int64))])

        return rows.once(("offsets", self.key), make)

    def real(self, rows: Rows) -> NDArray[np.bool_]:
        return rows.once(("mask", self.key), lambda: self.read(rows))

    def apply(self, read: Callable[[Rows], NDArray]) -> Callable[[Rows], Values]:
        """The values of particles alone."""
        return lambda rows: Values(np.ascontiguousarray(read(rows)[self.real(rows)]), self.offsets(rows))


def not_empty(values: NDArray) -> NDArray[np.bool_]:
    """Where numbers are neither zero nor NaN, as padding is."""
    return (values != 0) & (values == values) if values.dtype.kind == "f" else values != 0
