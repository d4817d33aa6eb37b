"""A file of columns, whatever its format, read as a stream."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from hepexp.config.suggest import did_you_mean
from hepexp.data.formats.refusal import listed
from hepexp.data.tables.column import Column, Rows
from hepexp.data.tables.layout import columns_of
from hepexp.data.tables.missing import Missing
from hepexp.data.tables.source import Contents, Source
from hepexp.data.values import Values
from hepexp.errors import ConfigError, DataError

if TYPE_CHECKING:
    from hepexp.data.expressions.expression import Expression

ROWS_AT_ONCE = 5000


@dataclass(frozen=True)
class Chunk:
    """Consecutive rows.

    Parameters
    ----------
    first : number of the first row in the file.
    n : number of rows.
    columns : the values by name.
    """

    first: int
    n: int
    columns: Mapping[str, Values]


@dataclass(frozen=True)
class Table:
    """A file of columns; `open_table` makes them. Nothing of the file stays open between calls.

    Parameters
    ----------
    source : the file.
    contents : what is stored in it.
    columns : by name, in the file's order.
    missing : to which missing values are added when they are read; None to refuse them.
    """

    source: Source
    contents: Contents
    columns: Mapping[str, Column]
    missing: Missing | None = None

    @property
    def path(self) -> Path:
        return self.source.path

    @property
    def n_rows(self) -> int:
        return self.contents.n_rows

    def require(self, names: Iterable[str]) -> None:
        """Refuse names that are no columns of numbers.

        Raises
        ------
        DataError : the file lacks a column, or cannot give its numbers.
        """
        for name in names:
            if name in self.columns:
                continue
            if name in self.contents.refused:
                raise DataError(f"{self.path}: column '{name}' cannot be read: {self.contents.refused[name]}")
            close = did_you_mean(name, self.columns) or f" (columns: {listed(self.columns) or 'none'})"
            raise DataError(f"{self.path}: no column '{name}'{close}")

    def check(self, expression: Expression) -> bool:
        """Whether an expression has a value per particle in this table, not per example.

        Raises
        ------
        ConfigError : a column is unknown, no column of numbers, or an array where numbers belong.
        """
        for name in expression.names:
            if name in self.contents.refused:
                raise ConfigError(
                    f"{expression.key}: column '{name}' of {self.path} cannot be read: {self.contents.refused[name]}"
                )
            if name in self.columns and self.columns[name].level == "array":
                raise ConfigError(
                    f"{expression.key}: '{name}' in '{expression.text}' is an array {self.columns[name].shape} per "
                    "example; expected a number"
                )
        return expression.check({name: column.level == "particles" for name, column in self.columns.items()})

    def batches(self, names: Iterable[str], rows_at_once: int = ROWS_AT_ONCE) -> Iterator[Chunk]:
        """The columns of these names in consecutive rows, and only what they need is read.

        Parameters
        ----------
        rows_at_once : at most; fewer where rows are large.

        Raises
        ------
        DataError : a column is missing, or the file is damaged or was changed since it was opened.
        """
        names = list(dict.fromkeys(names))
        self.require(names)
        needs = sorted({stored for name in names for stored in self.columns[name].needs})
        if self.source.contents() != self.contents:
            raise DataError(f"{self.path}: changed since it was opened; start again")
        if not needs:
            for first in range(0, self.n_rows, rows_at_once):
                yield Chunk(first, min(rows_at_once, self.n_rows - first), {})
            return
        read = 0
        for first, stored in self.source.batches(needs, rows_at_once):
            rows = Rows(stored)
            n = len(stored[needs[0]])
            yield Chunk(first, n, {name: _native(self.columns[name].read(rows)) for name in names})
            read += n
        if read != self.n_rows:
            raise DataError(f"{self.path}: {read:,} rows read, expected {self.n_rows:,}; download it again")


def open_table(path: Path, tree: str | None = None, key: str = "tree", counts_missing: bool = False) -> Table:
    """Open a file of columns by what it begins with, whatever it is called.

    Parameters
    ----------
    path : a ROOT, HDF5, Parquet, Arrow (Feather), npz or npy file.
    tree : a ROOT tree, or an HDF5 group or array; needed where there are several trees.
    key : of the configuration that `tree` is the value of, for messages.
    counts_missing : whether missing values, which Parquet and Arrow files may have, are counted rather than refused.

    Raises
    ------
    DataError : the file is missing, damaged, or of another format.
    ConfigError : it lacks the tree, or has several and none was chosen.
    """
    missing = Missing() if counts_missing else None
    source = _source(path, tree, key, missing)
    contents = source.contents()
    return Table(source, contents, columns_of(contents), missing)


def _source(path: Path, tree: str | None, key: str, missing: Missing | None) -> Source:
    begins = _beginning(path)
    if begins.startswith(b"root"):
        from hepexp.data.tables.root_files import RootFile

        return RootFile(path, tree, key)
    if b"\x89HDF\r\n\x1a\n" in begins:  # after a user block, or at once
        from hepexp.data.tables.hdf5_files import Hdf5File

        return Hdf5File(path, tree, key)
    if tree is not None and begins[:4] in (b"PAR1", b"ARRO", b"PK\x03\x04", b"\x93NUM"):
        raise ConfigError(f"{key}: {path} has no trees or groups, got '{tree}'; leave it out")
    if begins.startswith((b"PAR1", b"ARROW1")):
        from hepexp.data.tables.arrow_files import ArrowFile

        return ArrowFile(path, begins.startswith(b"PAR1"), missing)
    if begins.startswith((b"PK\x03\x04", b"\x93NUMPY")):
        from hepexp.data.tables.numpy_files import NumpyFile

        return NumpyFile(path, begins.startswith(b"PK"))
    raise DataError(
        f"{path}: truncated, corrupted, or of no known format; expected a ROOT, HDF5, Parquet, Arrow, npz or npy file"
    )


def _beginning(path: Path) -> bytes:
    if not path.is_file():
        found = "a folder" if path.is_dir() else "no such file"
        raise DataError(f"{path}: {found}; expected a ROOT, HDF5, Parquet, Arrow, npz or npy file")
    try:
        with open(path, "rb") as file:
            return file.read(4096)
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from None


def _native(values: Values) -> Values:
    kind = values.values.dtype.newbyteorder("=")
    return Values(values.values.astype(kind, copy=False), values.offsets)
