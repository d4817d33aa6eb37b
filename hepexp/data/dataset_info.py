"""What a data set says of itself, and where its files are: published, shipped with hepexp, converted or simulated."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from hepexp.config.paths import data_dir, store_dir
from hepexp.data.store import table
from hepexp.data.store.check import Check, check_columns
from hepexp.data.store.ragged import Layout, Ragged
from hepexp.errors import ConfigError

if TYPE_CHECKING:
    from hepexp.data.store.store import Store

Source = Literal["auto", "full", "mini", "generate"]
SOURCES: tuple[Source, ...] = ("auto", "full", "mini", "generate")

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class PublishedFile:
    """One file of a published data set.

    Parameters
    ----------
    name : file name.
    md5, sha256 : checksums in hexadecimal; None if the publisher gives none.
    urls : download locations, the publisher's first; empty if the file must be downloaded by hand.
    size : size in bytes, if the publisher gives it; otherwise the size that the server reports is used.
    archive : tar archive that contains the file, if it is not published separately.
    """

    name: str
    md5: str | None = None
    sha256: str | None = None
    urls: tuple[str, ...] = ()
    size: int | None = None
    archive: PublishedFile | None = None


@dataclass(frozen=True)
class Part:
    """A part of a published data set that becomes one file of the store.

    Parameters
    ----------
    name : of the file of the store, without its extension.
    files : the files it is made from; a reader is given the first and finds the others in the same folder.
    split : `train`, `val` or `test`, if the publisher specifies it.
    n : number of examples, if the publisher specifies it.
    """

    name: str
    files: tuple[PublishedFile, ...]
    split: str | None = None
    n: int | None = None


def by_layout(examples: Ragged, origin: str, first_row: int) -> Ragged:
    """Stands for the check that follows from the classes and the layout of a data set."""
    raise NotImplementedError


@dataclass(frozen=True)
class DatasetInfo:
    """What a data set is, and where its files are on this machine.

    Three fields are required, and where examples come from: a sample, files and how they are read, or a generator.

    Parameters
    ----------
    name : of the data set and of its folder.
    classes : name of each class, in the order of the labels.
    layout : columns of an example.
    about : what the examples are, in one line.
    noun : the word for one example.
    units : the columns and their units, in one line.
    cite : how to cite the data set.
    licence : of the published files.
    releases : the published parts; if the same data are published in several ways, the first complete one is read;
        empty if nothing is published and the examples are simulated.
    readers : for each file extension, a function of a path that yields the examples of a file as a stream; or the
        `module:function` that does, and has checked them, if its imports take long.
    read : reads any file in place of `readers`: arguments and result of `read_published` without the first.
    tenths : of the examples, for validation and for the test, where the publisher specifies no splits.
    divide : rows of each split in its own way: (parts, store), None for those of the parts.
    writers : likewise, the `module:function` that writes a file: (path, parts, number of examples, most elements).
    check : checks examples of the store; by default their labels, and that their columns are numbers within the limits.
    generator : module of the simulation, None if there is none.
    simulator : its name among several, the value of the key `simulator` of the data set; empty for the usual one.
    options : further keys of the data set on which simulated examples depend, arguments of the generator's functions.
    per_event : maximum number of simulated examples from one event; they are adjacent, and go into the same split.
    mini : the shipped sample in the store's format, or a function that returns it.
    mini_about : what such a function's sample was made from and how, as a file of the store records it.
    size : of the published files, in words.
    published_at : where the published files are hosted, in words.
    other_folders : subfolders of the data folder in which other programs of the field keep the files.
    background : class against which the others are usually set, if there are more than two.
    working_points : signal efficiencies at which classes are usually judged, by their names.
    """

    name: str
    classes: tuple[str, ...]
    layout: Layout
    about: str = "-"
    units: str = "-"
    cite: str = "-"
    licence: str = "-"
    check: Check = by_layout
    size: str = "-"
    releases: tuple[tuple[Part, ...], ...] = ()
    readers: Mapping[str, str | Callable[[Path], Iterator[Ragged]]] = field(default_factory=dict)
    published_at: str = "not published"
    other_folders: tuple[str, ...] = ()
    background: str = ""
    working_points: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    noun: str = "jet"
    generator: str | None = None
    simulator: str = ""
    options: Mapping[str, int] = field(default_factory=dict)
    per_event: int = 1
    mini: Path | Callable[[], Ragged] | None = None
    mini_about: Mapping[str, str] = field(default_factory=dict)
    writers: Mapping[str, str] = field(default_factory=dict)
    read: Callable[..., Iterator[Ragged]] | None = None
    tenths: tuple[float, float] = (1, 1)
    divide: Callable[..., dict[str, NDArray[np.int64]] | None] | None = None

    def __post_init__(self) -> None:
        if self.check is by_layout:
            object.__setattr__(self, "check", check_columns(self.classes, self.layout, self.noun, "value"))

    # ---- published and converted files

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

    def _store_path(self, name: str) -> Path:
        """Path of a file of the store: where it exists, or else where it would be written."""
        places = [folder / name for folder in self.store_folders]
        return next((path for path in places if os.path.isfile(path)), places[0])

    def find_file(self, file: PublishedFile) -> Path | None:
        """A published file on this machine, in the data set's folder or the data folder, compressed or not."""
        names = dict.fromkeys((file.name, file.name.removesuffix(".gz")))
        folders = (self.folder, data_dir(), *(data_dir() / name for name in self.other_folders))
        places = (folder / name for folder in folders for name in names)
        return next((path for path in places if os.path.isfile(path)), None)

    def converted_path(self, part: Part) -> Path:
        """The file of the store that a part is converted to."""
        return self._store_path(f"{part.name}.arrow")

    def is_available(self, part: Part) -> bool:
        """Whether a part is on this machine, as published or converted."""
        return os.path.isfile(self.converted_path(part)) or all(self.find_file(file) for file in part.files)

    def parts(self, n_files: int | None = None) -> tuple[Part, ...]:
        """The parts to read: the first n_files of each split, in the first release that is complete."""
        chosen = [_first_parts(release, n_files) for release in self.releases]
        return next((release for release in chosen if self._is_complete(release)), next(iter(chosen), ()))

    def release_here(self) -> tuple[Part, ...]:
        """The first release that is complete on this machine; if there is none, the one with the most parts here."""
        complete = next((release for release in self.releases if self._is_complete(release)), None)
        return complete or max(self.releases, key=lambda release: sum(map(self.is_available, release)), default=())

    def _is_complete(self, parts: tuple[Part, ...]) -> bool:
        return all(map(self.is_available, parts))

    @property
    def sources(self) -> tuple[str, ...]:
        """The sources that this data set has."""
        there = {"full": bool(self.releases), "mini": self.mini is not None, "generate": self.generator is not None}
        return tuple(source for source in SOURCES if there.get(source, True))

    def choose_source(self, source: Source, n_files: int | None = None) -> Source:
        """Resolve `auto`: `full` if all parts are on this machine, otherwise `mini`.

        A data set that ships no sample needs its files, or is simulated if there are none.

        Raises
        ------
        ConfigError : there is no such source, or there are fewer files than requested.
        """
        if source not in self.sources:
            raise ConfigError(f"dataset.source must be one of {', '.join(self.sources)}, got {source!r}")
        if n_files is not None and not self.releases:
            raise ConfigError(f"dataset.n_files must be null, as {self.name} has no published files; got {n_files}")
        there_are = max(map(len, self.releases), default=0)
        if n_files is not None and not 1 <= n_files <= there_are:
            raise ConfigError(f"dataset.n_files must be between 1 and {there_are}, got {n_files}")
        if source != "auto":
            return source
        if not self.releases:
            return "mini" if self.mini is not None else "generate"
        if self._is_complete(self.parts(n_files)):
            log.info("data: using the published sample in %s", self.folder)
            return "full"
        if self.mini is None:
            return "full"  # the missing file is named when it is opened
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
            return f"hepexp data generate {self.name}" if self.generator else "its sample is all there is"
        if self.fetchable:
            return f"hepexp data download {self.name}"
        return f"by hand, from {self.published_at}, into {self.folder}"

    # ---- tables in memory

    def examples_of(self, columns: Mapping[str, Sequence[Any]]) -> Ragged:
        """The checked examples of a table with one row each: the columns of the store but the label.

        Raises
        ------
        DataError : a column is missing, or holds unphysical values.
        """
        return self.check(table.examples_of(self.layout, columns), table.ORIGIN, 0).cast(self.layout)

    def first_rows(self, store: Store, n: int) -> Mapping[str, Sequence[Any] | np.ndarray]:
        """The first examples of a store, at most n, as such a table."""
        some = store.take(np.arange(min(n, len(store))))
        lists = {name: np.split(column, some.offsets[1:-1]) for name, column in some.elements.items()}
        for stored, name in self.layout.edge_names.items():
            lists[stored] = np.split(some.given_edges[name], some.given_edges.offsets[1:-1])
        return {**some.extras, **lists}

    # ---- simulated files

    @property
    def variant(self) -> dict[str, str | int]:
        """The keys of the data set that choose this simulation; none for the usual one."""
        return {**({"simulator": self.simulator} if self.simulator else {}), **self.options}

    def generated_path(self, n: int, seed: int, classes: Sequence[str] = ()) -> Path:
        """Path of the simulated sample of n examples.

        Parameters
        ----------
        classes : that were simulated, where they are not those that the generator makes if nothing else is said.
        """
        variant = (f"{key}-{value}" for key, value in self.variant.items())
        return self._store_path("_".join((f"generated_n{n}_seed{seed}", *variant, *classes)) + ".arrow")

    def generate_command(self, n: int, seed: int, classes: Sequence[str] = ()) -> str:
        """The command that simulates this sample."""
        chosen = f" --classes {','.join(classes)}" if classes else ""
        keys = "".join(f" data.{key}={value}" for key, value in self.variant.items())
        return f"hepexp data generate {self.name} --n {n} --seed {seed}{chosen}{keys}"

    def generated_with(self, path: Path) -> tuple[int, int] | None:
        """Number of examples and seed of a file named as in `generated_path`, by any simulator; None for others."""
        classes = "|".join(map(re.escape, self.classes))
        found = re.fullmatch(rf"generated_n(\d+)_seed(\d+)(?:_[a-z]+-\w+)*(?:_(?:{classes}))*\.arrow", path.name)
        return (int(found[1]), int(found[2])) if found else None


def _first_parts(release: tuple[Part, ...], n_files: int | None) -> tuple[Part, ...]:
    """The first n_files parts of each split."""
    seen: dict[str | None, int] = {}
    chosen = []
    for part in release:
        seen[part.split] = seen.get(part.split, 0) + 1
        if n_files is None or seen[part.split] <= n_files:
            chosen.append(part)
    return tuple(chosen)
