"""The examples of one source of a data set, opened and split."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hepexp.data.dataset_info import DatasetInfo
from hepexp.data.download.convert import OWN_FILES, convert
from hepexp.data.loading.splits import published_splits, split_events, split_rows
from hepexp.data.store.integrity import refuse_damaged_sample
from hepexp.data.store.store import Store
from hepexp.errors import DataError

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SplitStore:
    """The examples of one source.

    Parameters
    ----------
    source : `full`, `mini` or `generate`.
    store : the examples.
    splits : rows of each split.
    excerpt : says which published files are incomplete, or None.
    """

    source: str
    store: Store
    splits: dict[str, NDArray[np.int64]]
    excerpt: str | None = None

    @property
    def origin(self) -> str:
        """Whether the examples were published or simulated, and how, in a few words."""
        about = self.store.metadata[0]
        if self.source == "full":
            published = OWN_FILES if about.get("made_from") == OWN_FILES else "published files"
            return f"excerpt of the {published}" if self.excerpt else published
        where = "sample shipped with hepexp" if self.source == "mini" else "sample made on this machine"
        how = "simulated " if self.store.simulated else ""
        return f"{how}{where}: {about.get('command', 'origin unknown')}"


def open_source(
    info: DatasetInfo,
    source: str,
    n_files: int | None = None,
    n_generate: int = 0,
    generate_seed: int = 0,
    classes: Sequence[str] = (),
) -> SplitStore:
    """The examples of one source, which must already be on disk; published files are converted if necessary.

    Parameters
    ----------
    classes : that were simulated, as in `DatasetInfo.generated_path`.

    Raises
    ------
    DataError : they are not on disk; says how to get them.
    """
    if source == "full":
        return _open_published(info, n_files)
    if source == "mini":
        store = open_sample(info)
    else:
        path = info.generated_path(n_generate, generate_seed, classes)
        if not path.exists():
            command = info.generate_command(n_generate, generate_seed, classes)
            raise DataError(f"{path}: no such file; make it with: {command}")
        store = Store.open(info.layout, path)
    if info.per_event == 1:
        return SplitStore(source, store, split_rows(len(store), info.tenths))
    return SplitStore(source, store, split_events(store.label, info.per_event, info.tenths))


def open_sample(info: DatasetInfo) -> Store:
    """The shipped sample."""
    if isinstance(info.mini, Path):
        refuse_damaged_sample(info.mini)
        return Store.open(info.layout, info.mini)
    assert info.mini is not None  # it is a source of this data set
    return Store(info.layout, [info.mini()], metadata=[dict(info.mini_about)])


def _open_published(info: DatasetInfo, n_files: int | None) -> SplitStore:
    parts = info.parts(n_files)
    store = Store.open(info.layout, *(convert(info, part) for part in parts))
    short = [
        f"{part.name} has {n:,} of {part.n:,} {info.noun}s"
        for part, n in zip(parts, store.sizes, strict=True)
        if part.n not in (None, n)
    ]
    excerpt = "; ".join(short) or None
    if excerpt:
        log.warning("data: the published set is incomplete: %s", excerpt)
    splits = None if info.divide is None else info.divide(parts, store)
    return SplitStore("full", store, splits or published_splits(parts, store.sizes, info.tenths), excerpt)
