"""Conversion of published files: into the store, once only, or of a single file into another format."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from hepexp.atomic import remove_drafts
from hepexp.config.paths import is_writable
from hepexp.data.dataset_info import DatasetInfo, Part
from hepexp.data.download.export import export_rows
from hepexp.data.download.progress import examples_progress
from hepexp.data.formats.open_file import is_store, open_file, read_published
from hepexp.data.store import arrow_file
from hepexp.data.store.integrity import describe_file
from hepexp.data.store.lock import naming_failures, only_one
from hepexp.data.store.ragged import Ragged, regroup
from hepexp.errors import DataError

OWN_FILES = "files of one's own"  # rather than published

log = logging.getLogger(__name__)


def convert(info: DatasetInfo, part: Part, report: Callable[[int], None] = lambda n: None) -> Path:
    """Convert a published part into the store unless that has been done; safe to call from several processes at once.

    Parameters
    ----------
    report : called with the number of newly converted examples, as they are converted.

    Returns
    -------
    The file of the store.

    Raises
    ------
    DataError : the files are missing or damaged, or the store cannot be written.
    """
    target = info.store_folder / f"{part.name}.arrow"
    found = [info.find_file(file) for file in part.files]
    with only_one(target):
        remove_drafts(target)
        if is_converted(info, part):
            return info.converted_path(part)
        if None in found:
            missing = info.folder / part.files[found.index(None)].name
            raise DataError(f"{missing}: no such file; how to get it: {info.how_to_fetch}")
        originals = [path for path in found if path is not None]
        if os.path.isfile(target):
            log.warning("data: %s has changed since it was converted; converting it again", originals[0])
        else:
            log.info("data: converting %s, once only, into %s", originals[0], target.parent)
        made_from = "published files" if info.read is None else OWN_FILES
        about = {
            "made_from": made_from,
            "originals": [describe_file(path) for path in originals],
            "changed": [path.stat().st_mtime_ns for path in originals],
        }
        yields: dict[str, int] = {}
        examples = regroup(_reported(read_published(info, originals[0], yields=yields), report))
        with naming_failures(target):
            arrow_file.write(target, info.layout, examples, about, yields)
    return target


def convert_all(info: DatasetInfo, parts: Iterable[Part]) -> list[Path]:
    """Convert published parts into the store, with a bar for each one that has not been converted yet."""
    made, said = [], False
    for part in parts:
        if is_converted(info, part):
            made.append(info.converted_path(part))
            continue
        if not said and not is_writable(info.folder):
            log.warning("data: %s cannot be written; converted files go to %s", info.folder, info.store_folder)
            said = True
        with examples_progress(f"converting {part.name}", part.n, info.noun) as report:
            made.append(convert(info, part, report))
    return made


def convert_file(info: DatasetInfo, source: Path, target: Path) -> Path:
    """Convert one file of a data set, in any format that can be read, in a stream.

    Raises
    ------
    DataError : the file cannot be read.
    ConfigError : as in `export_rows`.
    """
    remove_drafts(target)
    if target.suffix in (".parquet", ".arrow") and not is_store(info, source):
        arrow_file.write(target, info.layout, regroup(read_published(info, source)), {"made_from": source.name})
    else:
        store = open_file(info, source)
        export_rows(info, store, range(len(store)), target)
    return target


def is_converted(info: DatasetInfo, part: Part) -> bool:
    """Whether the store has a part, and the files that it was converted from are unchanged, or gone."""
    found = [info.find_file(file) for file in part.files]
    target, originals = info.converted_path(part), [path for path in found if path is not None]
    if not os.path.isfile(target) or len(originals) < len(found):
        return os.path.isfile(target)
    try:
        about = arrow_file.read(target, info.layout).metadata
    except DataError:
        if target.parent == info.store_folder:
            raise
        return False  # somebody else's file, for them to remove; this user converts their own
    sizes = [file["bytes"] for file in about.get("originals", [])]
    now = [path.stat() for path in originals]
    return (sizes, about.get("changed")) == ([s.st_size for s in now], [s.st_mtime_ns for s in now])


def _reported(parts: Iterator[Ragged], report: Callable[[int], None]) -> Iterator[Ragged]:
    for part in parts:
        yield part
        report(len(part))
