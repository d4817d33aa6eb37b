"""Where the examples of a data set come from: the published files, the shipped sample, or a simulation.

Whatever needs pyarrow is imported only where it is used, so that listing the data sets is fast.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from hepexp.config.paths import data_dir, store_dir
from hepexp.data.download.published import Part, PublishedFile, limited
from hepexp.data.formats.refusal import damage_in
from hepexp.data.loading.split_store import SplitStore
from hepexp.data.loading.splits import published_splits, split_events, split_rows
from hepexp.data.pictures.quantities import Values
from hepexp.data.pictures.view import View
from hepexp.data.store.check import Check
from hepexp.data.store.files import refuse_damaged_sample
from hepexp.data.store.integrity import refuse_broken_lists, refuse_changed
from hepexp.data.store.ragged import Layout, Ragged
from hepexp.errors import ConfigError, DataError

if TYPE_CHECKING:
    from hepexp.data.store.store import Store

SOURCES = ("auto", "full", "mini", "generate")
_ROWS_TO_CHECK = 2000  # at once

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class DatasetInfo:
    """The files of a data set, in all the releases in which they can be present on this machine.

    Parameters
    ----------
    name : of the data set and of its folder.
    about : what the examples are, in one line.
    noun : the word for one example.
    classes : name of each class, in the order of the labels.
    layout : columns of an example.
    units : the columns and their units, in one line.
    cite : how to cite the data set.
    licence : of the published files.
    releases : the published parts; if the same data are published in several ways, the first complete one is read;
        empty if nothing is published and the examples are simulated.
    readers : for each file extension, the `module:function` that yields the checked examples of a file as a stream.
    writers : likewise, the `module:function` that writes a file: (path, parts, number of examples, most elements).
    check : checks examples of the store.
    generator : module of the simulation, None if there is none.
    per_event : maximum number of simulated examples from one event; they are adjacent, and go into the same split.
    mini : the shipped sample in the store's format, or a function that returns it.
    values : quantities that characterise the examples, for `hepexp data show`.
    view : how the examples are drawn.
    size : of the published files, in words.
    published_at : where the published files are hosted, in words.
    other_folders : subfolders of the data folder in which other programs of the field keep the files.
    """

    name: str
    about: str
    classes: tuple[str, ...]
    layout: Layout
    units: str
    cite: str
    licence: str
    releases: tuple[tuple[Part, ...], ...]
    readers: Mapping[str, str]
    check: Check
    values: Callable[[Ragged], Values]
    view: View
    size: str
    published_at: str
    other_folders: tuple[str, ...] = ()
    noun: str = "jet"
    generator: str | None = None
    per_event: int = 1
    mini: Path | Callable[[], Ragged] | None = None
    mini_about: Mapping[str, str] = field(default_factory=dict)
    writers: Mapping[str, str] = field(default_factory=dict)

    # ---- what is here

    @property
    def folder(self) -> Path:
        """The folder for downloaded files."""
        return data_dir() / self.name

    @property
    def store_folder(self) -> Path:
        """The folder to which converted and generated files are written."""
        return store_dir(self.name) / self.name

    @property
    def store_folders(self) -> tuple[Path, ...]:
        """The folders searched for converted and generated files, including the folder of the published files."""
        return tuple(dict.fromkeys((self.store_folder, self.folder)))

    def stored(self, name: str) -> Path:
        """Path of a file of the store: where it exists, or else where it would be written."""
        places = [folder / name for folder in self.store_folders]
        return next((path for path in places if os.path.isfile(path)), places[0])

    def found(self, file: PublishedFile) -> Path | None:
        """A published file on this machine, in the data set's folder or the data folder, compressed or not."""
        names = dict.fromkeys((file.name, file.name.removesuffix(".gz")))
        folders = (self.folder, data_dir(), *(data_dir() / name for name in self.other_folders))
        places = (folder / name for folder in folders for name in names)
        return next((path for path in places if os.path.isfile(path)), None)

    def converted(self, part: Part) -> Path:
        """The file of the store that a part is converted to."""
        return self.stored(f"{part.name}.arrow")

    def available(self, part: Part) -> bool:
        """Whether a part is on this machine, as published or converted."""
        return os.path.isfile(self.converted(part)) or all(self.found(file) for file in part.files)

    def parts(self, n_files: int | None = None) -> tuple[Part, ...]:
        """The parts to read: the first n_files of each split, in the first release that is complete."""
        chosen = [limited(release, n_files) for release in self.releases]
        return next((release for release in chosen if all(map(self.available, release))), next(iter(chosen), ()))

    @property
    def sources(self) -> tuple[str, ...]:
        """The sources that this data set has."""
        there = {"full": bool(self.releases), "mini": self.mini is not None, "generate": self.generator is not None}
        return tuple(source for source in SOURCES if there.get(source, True))

    def choose(self, source: str, n_files: int | None = None) -> str:
        """Resolve `auto`: `full` if all parts are on this machine, otherwise `mini`.

        Raises
        ------
        ConfigError : there is no such source, or there are fewer files than requested.
        """
        if source not in self.sources:
            raise ConfigError(f"dataset.source must be one of {', '.join(self.sources)}, got {source!r}")
        if n_files is not None and not self.releases:
            raise ConfigError(f"dataset.n_files must be null, as {self.name} has no published files; got {n_files}")
        there_are = max((len(limited(release, None)) for release in self.releases), default=0)
        if n_files is not None and not 1 <= n_files <= there_are:
            raise ConfigError(f"dataset.n_files must be between 1 and {there_are}, got {n_files}")
        if source != "auto":
            return source
        if not self.releases:
            return "mini"
        if all(map(self.available, self.parts(n_files))):
            log.info("data: using the published sample in %s", self.folder)
            return "full"
        log.info("data: using the sample shipped with hepexp; for the published one: %s", self.how_to_fetch)
        return "mini"

    @property
    def fetchable(self) -> bool:
        """Whether the published files can be downloaded automatically."""
        return any(file.urls or file.archive for release in self.releases for part in release for file in part.files)

    @property
    def how_to_fetch(self) -> str:
        """How a user gets the published files."""
        if not self.releases:
            return f"hepexp data generate {self.name}"
        if self.fetchable:
            return f"hepexp data download {self.name}"
        return f"by hand, from {self.published_at}, into {self.folder}"

    # ---- reading

    def read(self, path: Path, needs_label: bool = True) -> Iterator[Ragged]:
        """The checked examples of one file in a published format, as a stream.

        Parameters
        ----------
        needs_label : refuse a file without labels; otherwise its examples are of unknown class.

        Raises
        ------
        DataError : the file is missing, in another format, damaged, or contains unphysical values.
        """
        suffix = self._suffix(path)
        if suffix not in self.readers:
            known = ", ".join(dict.fromkeys((*self.readers, ".arrow", ".parquet")))
            raise DataError(f"{path}: unknown format '{path.suffix}' for {self.name}; expected one of {known}")
        module, _, function = self.readers[suffix].partition(":")
        reader = getattr(import_module(module), function)
        knows = "needs_label" in signature(reader).parameters  # a plug-in's may not
        return reader(path, needs_label=needs_label) if knows else reader(path)

    def is_readable(self, path: Path) -> bool:
        """Whether a file has the name of a known format."""
        return self._suffix(path) in (*self.readers, ".arrow", ".parquet")

    def _suffix(self, path: Path) -> str:
        name = path.name.removesuffix(".gz")
        return ".idx" if name.endswith("-ubyte") else Path(name).suffix  # idx files have no extension

    def open_file(self, path: Path, needs_label: bool = True) -> Store:
        """The examples of one file in any known format, all of them checked.

        Parameters
        ----------
        needs_label : as in `read`.

        Raises
        ------
        DataError : as in `read`.
        """
        from hepexp.data.formats import columns
        from hepexp.data.store import arrow_file
        from hepexp.data.store.store import Store

        path = Path(path)
        by_others = self.is_store(path) and arrow_file.is_by_others(path, self.layout)
        if self.is_store(path) and not by_others:
            with damage_in(path, "file of the store"):
                contents = arrow_file.read(path, self.layout, needs_label, every_list=True)
                refuse_broken_lists(contents.chunks, path)
                store = Store.of_contents(self.layout, [path], [contents])
            for first in range(0, len(store), _ROWS_TO_CHECK):
                examples = store.take(np.arange(first, min(first + _ROWS_TO_CHECK, len(store))))
                if not needs_label and not store.labelled:
                    examples.label[:] = 0  # any valid label, so that the check covers everything else
                self.check(examples, str(path), first)
            refuse_changed(contents, self.layout, path)
            return store
        parts = columns.read(path, self.layout, self.check, needs_label) if by_others else self.read(path, needs_label)
        return Store(self.layout, list(parts), metadata=[{"source": path.name}])

    def is_store(self, path: Path) -> bool:
        """Whether a file is in the store's format, judging by its name, or by its columns if that is ambiguous."""
        from hepexp.data.store import arrow_file

        if path.suffix != ".parquet" or ".parquet" not in self.readers:
            return path.suffix in (".arrow", ".parquet")
        return arrow_file.parquet_columns(path) in (None, self.layout.names, self.layout.names[1:])

    def open(self, source: str, n_files: int | None = None, n_generate: int = 0, generate_seed: int = 0) -> SplitStore:
        """The examples of one source, which must already be on disk; published files are converted if necessary.

        Raises
        ------
        DataError : they are not on disk; says how to get them.
        """
        from hepexp.data.store.store import Store

        if source == "full":
            from hepexp.data.download.convert import convert

            parts = self.parts(n_files)
            store = Store.open(self.layout, *(convert(self, part) for part in parts))
            short = [
                f"{part.name} has {n:,} of {part.n:,} {self.noun}s"
                for part, n in zip(parts, store.sizes, strict=True)
                if part.n not in (None, n)
            ]
            excerpt = "; ".join(short) or None
            if excerpt:
                log.warning("data: the published set is incomplete: %s", excerpt)
            return SplitStore(source, store, published_splits(parts, store.sizes), excerpt)
        if source == "mini":
            store = self.open_mini()
        else:
            path = self.generated(n_generate, generate_seed)
            if not path.exists():
                command = f"hepexp data generate {self.name} --n {n_generate} --seed {generate_seed}"
                raise DataError(f"{path}: no such file; make it with: {command}")
            store = Store.open(self.layout, path)
        alone = self.per_event == 1
        return SplitStore(source, store, split_rows(len(store)) if alone else split_events(store.label, self.per_event))

    def open_mini(self) -> Store:
        """The shipped sample."""
        from hepexp.data.store.store import Store

        if isinstance(self.mini, Path):
            refuse_damaged_sample(self.mini)
            return Store.open(self.layout, self.mini)
        return Store(self.layout, [self.mini()], metadata=[dict(self.mini_about)])

    # ---- making files of the store

    def generated(self, n: int, seed: int) -> Path:
        """Path of the simulated sample of n examples."""
        return self.stored(f"generated_n{n}_seed{seed}.arrow")

    def sample_of(self, path: Path) -> tuple[int, int] | None:
        """Number of examples and seed of a file that is named as in `generated`; None for any other."""
        found = re.fullmatch(r"generated_n(\d+)_seed(\d+)\.arrow", path.name)
        return (int(found[1]), int(found[2])) if found else None
