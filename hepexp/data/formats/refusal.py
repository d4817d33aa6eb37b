"""How the readers refuse a file: with one line that names the file and says what was found and what was expected."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from hepexp.errors import DataError

_MOST_NAMES = 12  # of a list in a message, which is one line


@contextlib.contextmanager
def damage_in(path: Path, kind: str) -> Iterator[None]:
    """Turn any exception that a library raises while reading a file into a DataError.

    The libraries do not specify which exceptions a damaged file can cause: randomly flipped bytes lead to about a dozen
    types, from OSError and RecursionError to UnicodeDecodeError, so all are caught, and the message names the type.

    Parameters
    ----------
    path : the file, which must exist.
    kind : expected kind of file, e.g. "HDF5 file".
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
            "download it again"
        ) from None


def require(path: Path, what: str, expected: Iterable[str], found: Iterable[str]) -> None:
    """Refuse a file in which expected names are missing.

    Parameters
    ----------
    path : the file.
    what : what the names refer to, e.g. "key".
    expected, found : the names that must be present, and those that are.
    """
    expected, found = list(expected), list(found)
    missing = [name for name in expected if name not in found]
    if missing:
        raise DataError(
            f"{path}: {what} {listed(missing)} missing, found {listed(found) or 'nothing'}; expected "
            f"{listed(expected)}: is this the right file for the data set?"
        )


def listed(names: Iterable[str]) -> str:
    """Names in one line; of a long list, only the first ones."""
    names = [ascii(str(name))[1:-1][:60] for name in names]
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return ", ".join(names[:_MOST_NAMES]) + more


def _article(kind: str) -> str:
    return "an" if kind[0] in "aeioH" else "a"
