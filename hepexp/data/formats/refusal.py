"""How the readers refuse a file: one line that names the file, what was found, and what was expected."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from hepexp.errors import DataError

_MOST_NAMES = 12  # of a list in a message, which is one line


@contextlib.contextmanager
def damage_in(path: Path, kind: str) -> Iterator[None]:
    """Turn whatever a library meets inside a foreign file into one DataError.

    The libraries do not promise which exceptions damage raises: bytes flipped at random lead to about a dozen types,
    from OSError over RecursionError to UnicodeDecodeError, so all of them are caught, and the type is named.

    Parameters
    ----------
    path : the file, which has to exist.
    kind : what it should be, e.g. "HDF5 file".
    """
    if not path.is_file():
        raise DataError(f"{path}: no such file; expected {_article(kind)} {kind}")
    try:
        yield
    except DataError:
        raise
    except Exception as error:
        lines = str(error).splitlines() or [""]
        said = "".join(c if c.isprintable() else "?" for c in lines[0])[:200]
        raise DataError(
            f"{path}: truncated, corrupted, or not {_article(kind)} {kind}: {type(error).__name__}: {said}; "
            "fetch it again"
        ) from None


def require(path: Path, what: str, expected: Iterable[str], found: Iterable[str]) -> None:
    """Refuse a file that lacks some names.

    Parameters
    ----------
    path : the file.
    what : what is named, e.g. "key".
    expected, found : the names that have to be there, and those that are.
    """
    expected, found = list(expected), list(found)
    missing = [name for name in expected if name not in found]
    if missing:
        raise DataError(
            f"{path}: {what} {listed(missing)} missing, found {listed(found) or 'nothing'}; expected "
            f"{listed(expected)}: is this the right file for the data set?"
        )


def refuse_rows(path: Path, first_row: int, bad: np.ndarray, what: str) -> None:
    """Refuse a file in which some row is bad.

    Parameters
    ----------
    path : the file.
    first_row : row of the file that bad[0] is about.
    bad : (n,) bool.
    what : what is wrong with the row and what was expected.
    """
    if bad.any():
        raise DataError(f"{path}: row {first_row + int(np.argmax(bad))} {what}")


def refuse_elements(path: Path, first_row: int, offsets: np.ndarray, bad: np.ndarray, what: str) -> None:
    """Refuse a file in which an element of some row is bad.

    Parameters
    ----------
    path, first_row, what : as for `refuse_rows`.
    offsets : (n + 1,) int64: whose elements they are.
    bad : (m,) bool.
    """
    if bad.any():
        row = int(np.searchsorted(offsets, np.argmax(bad), side="right")) - 1
        raise DataError(f"{path}: row {first_row + row} {what}")


def listed(names: Iterable[str]) -> str:
    """Names in one line, of a long list the first."""
    names = [ascii(str(name))[1:-1][:60] for name in names]
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return ", ".join(names[:_MOST_NAMES]) + more


def _article(kind: str) -> str:
    return "an" if kind[0] in "aeioH" else "a"
