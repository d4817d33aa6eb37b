"""Which runs may share a table: those of one kind that were tested on the same examples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hepexp.compare.record import Record
from hepexp.config.expected import counted
from hepexp.errors import ConfigError

# what a run is, by a metric that all of its kind have; other runs are called after their loss
KINDS = {
    "test/accuracy": "classifiers",
    "test/probe_accuracy": "embeddings",
    "test/reconstruction_mse": "autoencoders",
    "symmetry/metric_exists": "learnt symmetries",
}


@dataclass(frozen=True)
class Section:
    """Runs of one kind, tested on the same examples.

    Parameters
    ----------
    title : what they are and what they were tested on.
    """

    title: str
    records: tuple[Record, ...]


def sections(records: Sequence[Record]) -> list[Section]:
    """Records divided by kind and test set, in the order of their first runs; different sections have different titles.

    Raises
    ------
    DataError : a file of predictions cannot be read.
    """
    members: dict[tuple, list[Record]] = {}
    for record in records:
        members.setdefault((kind(record), *fingerprint(record).values()), []).append(record)
    titles = [_title(found[0]) for found in members.values()]
    twice = {title for title in titles if titles.count(title) > 1}
    return [
        Section(f"{title} ({_detail(found[0])})" if title in twice else title, tuple(found))
        for title, found in zip(titles, members.values(), strict=True)
    ]


def kind(record: Record) -> str:
    """What a run is, in the plural: `classifiers`, `embeddings` ..."""
    found = next((name for metric, name in KINDS.items() if metric in record.metrics), None)
    return found or str(record.choices.get("loss", "others")).replace("_", " ")


def fingerprint(record: Record) -> dict[str, str]:
    """What says on which examples a run was tested: data set, source, files, and the rows with their labels.

    Examples without content are all the same, however many: each sampler makes as many of its own as it has.
    """
    data = record.folder.environment.get("data") or {}
    files = sorted(f"{file.get('name')} {file.get('sha256', '')[:12]}" for file in data.get("files", []))
    return {
        "data set": record.choices["dataset"],
        "source": str(data.get("source")),
        "files": ", ".join(files),
        "test examples": _rows(record) if record.reads_data else "none",
    }


def refuse_several(found: Sequence[Section], what: str) -> None:
    """Refuse a request that makes sense for one section alone.

    Raises
    ------
    ConfigError : there are several.
    """
    if len(found) > 1:
        titles = "; ".join(section.title for section in found)
        raise ConfigError(f"{what} needs runs of one kind and one test set; these are {titles}: select one of them")


def _title(record: Record) -> str:
    if not record.reads_data:
        return kind(record)
    data = record.folder.environment.get("data") or {}
    simulated = ", simulated" if data.get("simulated") else ""
    n = counted(record.tested[0], "test example") if record.tested[0] else "test examples not recorded"
    return f"{kind(record)} on {record.choices['dataset']} ({data.get('source')}{simulated}), {n}"


def _detail(record: Record) -> str:
    """What distinguishes test sets of the same name and size."""
    found = fingerprint(record)
    return f"rows {found['test examples'].partition('(')[2].rstrip(')')}, files {found['files'] or 'none'}"


def _rows(record: Record) -> str:
    """Number and digest of the tested rows and their labels, in the order of the rows."""
    n, digest = record.tested
    return f"{n:,} ({digest})" if digest else "not recorded"
