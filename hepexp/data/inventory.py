"""Which files of a data set are on this machine."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from hepexp.data.collection import Collection
from hepexp.data.published import Part


@dataclass(frozen=True)
class Inventory:
    """Files of a data set on this machine.

    Parameters
    ----------
    published : published files present, in the form that is read.
    wanted : total number of files in that form.
    converted : parts of that form that are in the store.
    parts : total number of parts.
    started : incomplete downloads.
    simulated : (n, seed, file) of each simulated sample.
    shipped : the file of the sample in the package; None if it is missing, or is made by code.
    """

    published: list[Path]
    wanted: int
    converted: list[Path]
    parts: int
    started: list[Path]
    simulated: list[tuple[int, int, Path]]
    shipped: Path | None


def take_inventory(collection: Collection) -> Inventory:
    """Look for the files of a data set, without opening them."""
    form = collection.forms[0] if collection.forms else ()
    if len(collection.forms) > 1:
        form = max(collection.forms, key=lambda form: (_complete(collection, form), _some(collection, form)))
    files = [file for part in form for file in part.files]
    converted = [path for part in form if os.path.isfile(path := collection.converted(part))]
    archives = {file.archive.name for file in files if file.archive}
    names = {*archives, *(file.name for file in files)}
    shipped = collection.mini if isinstance(collection.mini, Path) and collection.mini.is_file() else None
    return Inventory(
        published=[path for file in files if (path := collection.found(file)) is not None],
        wanted=len(files),
        converted=converted,
        parts=len(form),
        started=[path for path in sorted(collection.folder.glob("*.part")) if path.name.removesuffix(".part") in names],
        simulated=sorted(
            (*found, path)
            for folder in collection.store_folders
            for path in folder.glob("generated_n*_seed*.arrow")
            if (found := collection.sample_of(path)) is not None
        ),
        shipped=shipped,
    )


def megabytes(paths: Iterable[Path]) -> str:
    """Size of these files in words."""
    size = sum(path.stat().st_size for path in paths) / 1e6
    if size >= 1000:
        return f"{size / 1000:,.1f} GB"
    return f"{size:.0f} MB" if size >= 10 else f"{size:.1f} MB"


def _complete(collection: Collection, form: tuple[Part, ...]) -> bool:
    return all(map(collection.available, form))


def _some(collection: Collection, form: tuple[Part, ...]) -> int:
    return sum(map(collection.available, form))


def description(collection: Collection, here: Inventory) -> list[list[str]]:
    """What `hepexp data list` says about a data set, by its headings."""
    get = f"{collection.how_to_fetch} (from {collection.published_at})"
    if not collection.forms:
        get = f"nothing is published; {collection.how_to_fetch}"
    elif not collection.fetchable:
        forms = (", ".join(file.name for part in form for file in part.files) for form in collection.forms)
        get = f"{collection.how_to_fetch}: {' or '.join(forms)}"
    published = "none"
    if here.published:
        published = f"{len(here.published):,} of {here.wanted:,} files, {megabytes(here.published)}"
    if here.started:
        published += f"; download interrupted after {megabytes(here.started)} of {here.started[0].stem}"
    converted = f"{len(here.converted):,} of {here.parts:,} parts, {megabytes(here.converted)}" + "".join(
        f", in {path.parent}" for path in here.converted[:1]
    )
    simulated = [f"{n:,} {collection.noun}s, seed {seed}, {megabytes([path])}" for n, seed, path in here.simulated]
    shipped = "no" if collection.mini is None else collection.mini_about.get("command", "not in this installation")
    facts = {
        "what": collection.about,
        "classes": ", ".join(f"{name} ({label})" for label, name in enumerate(collection.classes)),
        "size": f"{collection.size}; {collection.licence}",
        "cite": collection.cite,
        "get it": get,
        "published": published,
        "converted": converted if here.converted else "none",
        "simulated": "; ".join(simulated) or "none",
        "shipped": f"yes, {megabytes([here.shipped])}" if here.shipped else shipped,
        "sources": f"{', '.join(collection.sources)} (auto is {collection.choose('auto')})",
    }
    if collection.generator is not None:
        facts["simulated"] += f"; hepexp data generate {collection.name}"
    return [[heading, text] for heading, text in facts.items()]
