"""Which runs may share a table: those of one kind that were tested on the same examples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hepexp.compare.record import Record
from hepexp.compare.test_set import fingerprint, n_tested
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
    data = record.folder.environment.get("data") or {}
    if data.get("source") == "none":  # it reads no data
        return kind(record)
    simulated = ", simulated" if data.get("simulated") else ""
    n = counted(n_tested(record), "test example") if n_tested(record) else "test examples not recorded"
    return f"{kind(record)} on {record.choices['dataset']} ({data.get('source')}{simulated}), {n}"


def _detail(record: Record) -> str:
    """What distinguishes test sets of the same name and size."""
    found = fingerprint(record)
    return f"rows {found['test examples'].partition('(')[2].rstrip(')')}, files {found['files'] or 'none'}"
