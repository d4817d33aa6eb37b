"""What a user's files are, to every verb of the command line: a data set like those that are shipped."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hepexp.config.paths import store_dir
from hepexp.data.dataset_info import DatasetInfo, Part, PublishedFile, Source
from hepexp.data.datasets.files.inputs import InputFile, class_names, find_files
from hepexp.data.datasets.files.keys import Keys, keys_of
from hepexp.data.datasets.files.momenta import refuse_wrong_momenta
from hepexp.data.datasets.files.names import check_names
from hepexp.data.datasets.files.splits import by_hash, check_fractions, hash_of, refuse_shared
from hepexp.data.store.check import Refusal
from hepexp.data.store.ragged import Layout, Ragged
from hepexp.data.store.table import ORIGIN
from hepexp.errors import ConfigError, DataError
from hepexp.splits import Split

if TYPE_CHECKING:
    from hepexp.data.datasets.files.particles import FileParticles
    from hepexp.data.datasets.files.reader import Columns, Reader
    from hepexp.data.store.store import Store
    from hepexp.data.tables.table import Table

DEFAULT_FRACTIONS: Mapping[Split, float] = {"train": 0.7, "val": 0.15, "test": 0.15}


class FilesInfo(DatasetInfo):
    """The files and their columns. They are looked for, and the first one is opened, when that is needed.

    Parameters
    ----------
    name : of the configuration.
    files : as in `dataset.files`.
    keys : what is read of them.
    fractions : fraction of each split.
    stand_in : file of examples that takes the place of the files; None to read these.
    """

    files: object
    keys: Keys
    fractions: Mapping[Split, float]
    stand_in: Path | None

    def __init__(
        self, name: str, files: object, keys: Keys, fractions: Mapping[Split, float], stand_in: Path | None = None
    ) -> None:
        check_fractions(fractions)
        classes = class_names(files)
        check_names("dataset.files", classes)
        if classes and keys.classes:
            raise ConfigError(
                "dataset.classes must be null where dataset.files has files for each class; got both: "
                f"{', '.join(keys.classes)}"
            )
        given: dict[str, Any] = {"readers": {}, "writers": {}, "mini_about": {}, "working_points": {}}
        given |= {"files": files, "keys": keys, "fractions": dict(fractions), "name": name}
        given |= {
            "classes": classes or tuple(keys.classes or ()),
            "about": "files of one's own",
            "units": "as in the files",
        }
        noun = "jet" if keys.p4 else "image" if keys.pixels else "example"
        given |= {"cite": "-", "licence": "-", "published_at": "dataset.files", "noun": noun}
        given |= {"stand_in": stand_in, "mini": None if stand_in is None else partial(self._read_stand_in, stand_in)}
        for attribute, value in given.items():
            object.__setattr__(self, attribute, value)

    # ---- the files

    @cached_property
    def inputs(self) -> dict[Path, InputFile]:
        return {one.path: one for one in find_files(self.files)}

    @cached_property
    def releases(self) -> tuple[tuple[Part, ...], ...]:
        return (tuple(map(self._part, self.inputs.values())),)

    def _part(self, file: InputFile) -> Part:
        digest = hashlib.sha256(f"{file.path} {file.label}".encode()).hexdigest()[:12]
        return Part(f"{file.path.stem}-{digest}", (PublishedFile(str(file.path)),), file.split)

    def find_file(self, file: PublishedFile) -> Path | None:
        return path if (path := Path(file.name)).is_file() else None

    @property
    def folder(self) -> Path:
        return self.store_folder

    @property
    def store_folder(self) -> Path:
        return store_dir("files") / "files" / self.keys.fingerprint

    @property
    def size(self) -> str:
        n, size = len(self.inputs), sum(path.stat().st_size for path in self.inputs)
        return f"{n} file{'s' * (n > 1)}, {size / 1e6:,.1f} MB"

    @property
    def how_to_fetch(self) -> str:
        return "name it in dataset.files"

    @property
    def sources(self) -> tuple[str, ...]:
        return ("full",) if self.stand_in is None else ("mini",)

    def choose_source(self, source: Source, n_files: int | None = None) -> Source:
        if self.stand_in is not None:
            return "mini"
        most = max(sum(part.split == one for part in self.releases[0]) for one in {p.split for p in self.releases[0]})
        if n_files is not None and not 1 <= n_files <= most:
            raise ConfigError(f"dataset.n_files must be between 1 and {most}, got {n_files}")
        return "full"

    # ---- their columns

    @cached_property
    def columns(self) -> Columns:
        """What is read, with the types that the first file has."""
        if self.stand_in is not None:
            from hepexp.data.datasets.files import stand_in

            if stand_in.is_converted(self.stand_in):
                return stand_in.columns_of(self.stand_in, self.keys)
            return stand_in.columns_to_score(self._open(self.stand_in), self.keys)
        from hepexp.data.datasets.files.reader import columns_in

        return columns_in(self._open(next(iter(self.inputs))), self.keys)

    def _open(self, path: Path) -> Table:
        from hepexp.data.tables.table import open_table

        return open_table(path, self.keys.tree, "dataset.tree")

    def _read_stand_in(self, path: Path) -> Ragged:
        from hepexp.data.datasets.files import stand_in

        if stand_in.is_converted(path):
            return stand_in.read(path, self.columns)
        return stand_in.made_of(self.read(path, needs_label=False), self.columns, len(self.classes))

    @property
    def layout(self) -> Layout:
        return self.columns.layout

    @property
    def channel_names(self) -> tuple[str, ...]:
        """Of images: those of their arrays, or numbers where the channels are an axis of one array."""
        from hepexp.data.datasets.files.pixels import channel_names

        return channel_names(self.keys.pixels, self.layout.image_shape)

    def particles(self) -> FileParticles:
        """What makes four-momenta of the columns of the store."""
        from hepexp.data.datasets.files.particles import FileParticles

        return FileParticles(self.keys.momenta, self.keys.scalars)

    def reader(self, path: Path, is_to_score: bool = False) -> Reader:
        from hepexp.data.datasets.files.reader import Reader

        file = None if is_to_score else self.inputs.get(path.absolute())
        return Reader(self.columns, self._open(path), file.label if file else None, is_to_score)

    def read(self, path: Path, needs_label: bool = True, yields: dict[str, int] | None = None) -> Iterator[Ragged]:
        """The checked examples of a file, as a stream.

        Parameters
        ----------
        needs_label : false to score them: none is dropped, and the class may be unknown.
        yields : to which the number of examples before any selection, and after each one, are written at the end.
        """
        reader = self.reader(path, not needs_label)
        for examples, rows in reader:
            yield self._checked(examples, str(path), rows, not needs_label).cast(reader.columns.layout)
        if yields is not None:
            yields.update(reader.yields)

    # ---- tables in memory

    def examples_of(self, columns: Mapping[str, Sequence[Any]]) -> Ragged:
        """The checked examples of a table with the columns of the files; those that no model needs may be missing."""
        from hepexp.data.datasets.files.reader import Reader
        from hepexp.data.tables.in_memory import table_of

        reader = Reader(self.columns, table_of(columns), is_to_score=True)
        parts = [self._checked(examples, ORIGIN, rows, may_be_empty=True) for examples, rows in reader]
        return Ragged.concatenate(parts).cast(reader.columns.layout)

    def first_rows(self, store: Store, n: int) -> Mapping[str, Sequence[Any]]:
        """What a model needs of the first examples, at most n, as a table with the columns of the files."""
        from hepexp.data.datasets.files import stand_in

        return stand_in.first_rows(map(self.reader, self.inputs), n)

    def check(self, examples: Ragged, origin: str, first_row: int = 0) -> Ragged:
        return self._checked(examples, origin, first_row + np.arange(len(examples)))

    def _checked(self, examples: Ragged, origin: str, rows: NDArray[np.int64], may_be_empty: bool = False) -> Ragged:
        refuse = Refusal(examples, origin, noun="row", rows=rows)
        elements, extras = (
            {name: np.float64 for name in columns if name not in self.keys.may_miss}
            for columns in (examples.elements, examples.extras)
        )
        element = "pixel" if self.keys.pixels else "particle"
        refuse.of_common(self.classes, Layout(elements, extras), element, unknown=True)
        if self.keys.p4:
            empty = (examples.counts == 0) & (not may_be_empty)
            refuse.of_rows(empty, "no particles", "has no particles; expected at least one")
            with np.errstate(all="ignore"):
                refuse_wrong_momenta(refuse, self.particles(), self.keys.momenta)
        refuse.finish()
        return examples

    # ---- their splits

    def divide(self, parts: Sequence[Part], store: Store) -> dict[str, NDArray[np.int64]] | None:
        """Rows of each split, by a hash of the event; None where separate files say what they are.

        Raises
        ------
        DataError : there are no examples, or none of a class, or an event is in the files of two splits.
        """
        if len(store) == 0:
            cut = "" if self.keys.selection is None else f" that fulfils dataset.selection, '{self.keys.selection}'"
            raise DataError(f"{self.name}: no example{cut} in {self._names()}; expected at least one")
        for label, name in enumerate(self.classes):
            if not (store.label == label).any():
                raise DataError(f"{self.name}: no example of class {name} in {self._names()}; expected at least one")
        if all(part.split is None for part in parts):
            return by_hash(self._events(parts, store), self.fractions)
        if self.keys.event_id:
            from hepexp.data.loading.splits import published_splits

            splits = published_splits(tuple(parts), store.sizes)
            refuse_shared(self._events(parts, store), splits, " and ".join(self.keys.event_id))
        return None

    def _names(self) -> str:
        first, *others = self.inputs
        return f"{first} and {len(others)} more" if others else str(first)

    def _events(self, parts: Sequence[Part], store: Store) -> NDArray[np.uint64]:
        if self.keys.event_id:
            found = [hash_of(*(chunk.extras[text] for text in self.keys.event_id)) for chunk in store.chunks]
            return np.concatenate(found)
        hashes = []
        for part, n in zip(parts, store.sizes, strict=True):
            name = hashlib.sha256(Path(part.files[0].name).name.encode()).digest()[:8]
            start = np.full(n, int.from_bytes(name, "little"), np.uint64)
            hashes.append(hash_of(start, np.arange(n)))
        return np.concatenate(hashes)

    @staticmethod
    def cut_flow(store: Store) -> dict[str, int]:
        """Number of examples before any selection and after each one, over all files."""
        found: dict[str, int] = {}
        for about in store.metadata:
            for what, n in about.get("yields", {}).items():
                found[what] = found.get(what, 0) + n
        return found


def info_of(name: str, config: Mapping[str, Any]) -> FilesInfo | None:
    """The data set that a configuration describes; None if it names no files."""
    if "???" in (config.get("files") or "???", config.get("pixels")):
        return None
    reweight = config.get("reweight") or {}
    given = {**config, "variables": reweight.get("variables")}
    return FilesInfo(name, config["files"], keys_of(given), config.get("fractions") or DEFAULT_FRACTIONS)
