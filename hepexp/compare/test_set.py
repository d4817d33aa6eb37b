"""Whether runs were tested on the same examples: figures of different test sets must not share a table."""

from __future__ import annotations

from collections.abc import Sequence

from hepexp.compare.record import Record
from hepexp.errors import ConfigError


def fingerprint(record: Record) -> dict[str, str]:
    """What says on which examples a run was tested: data set, source, files, and the rows with their labels."""
    data = record.folder.environment.get("data") or {}
    files = sorted(f"{file.get('name')} {file.get('sha256', '')[:12]}" for file in data.get("files", []))
    return {
        "data set": record.choices["dataset"],
        "source": str(data.get("source")),
        "files": ", ".join(files),
        "test examples": _rows(record),
    }


def refuse_different(records: Sequence[Record]) -> None:
    """Refuse runs that were not all tested on the same examples.

    Raises
    ------
    ConfigError : they were not; the message names two runs and what differs.
    """
    first = fingerprint(records[0])
    for record in records[1:]:
        other = fingerprint(record)
        if different := [key for key in first if first[key] != other[key]]:
            key = different[0]
            raise ConfigError(
                f"{records[0].folder.label} and {record.folder.label} were tested on different examples: {key} "
                f"{first[key]} and {other[key]}; --force compares them anyway, without significance"
            )


def n_tested(record: Record) -> int:
    """Test examples; 0 where the run has none, as for circuits, which read no data."""
    return record.tested[0]


def _rows(record: Record) -> str:
    """Number and digest of the tested rows and their labels, in the order of the rows."""
    n, digest = record.tested
    return f"{n:,} ({digest})" if digest else "not recorded"
