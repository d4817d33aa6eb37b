"""Which files of a data set are on this machine."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from hepexp.data.dataset_info import DatasetInfo


@dataclass(frozen=True)
class Inventory:
    """Files of a data set on this machine.

    Parameters
    ----------
    published : published files present, in the release that is read.
    wanted : total number of files in that release.
    converted : parts of that release that are in the store.
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


def take_inventory(info: DatasetInfo) -> Inventory:
    """Look for the files of a data set, without opening them."""
    release = info.release_here()
    files = [file for part in release for file in part.files]
    converted = [path for part in release if os.path.isfile(path := info.converted_path(part))]
    archives = {file.archive.name for file in files if file.archive}
    names = {*archives, *(file.name for file in files)}
    shipped = info.mini if isinstance(info.mini, Path) and info.mini.is_file() else None
    return Inventory(
        published=[here for file in files if (here := info.find_file(file)) is not None],
        wanted=len(files),
        converted=converted,
        parts=len(release),
        started=[path for path in sorted(info.folder.glob("*.part")) if path.name.removesuffix(".part") in names],
        simulated=sorted(
            (*found, path)
            for folder in info.store_folders
            for path in folder.glob("generated_n*_seed*.arrow")
            if (found := info.generated_with(path)) is not None
        ),
        shipped=shipped,
    )


def megabytes(paths: Iterable[Path]) -> str:
    """Size of these files in words."""
    size = sum(path.stat().st_size for path in paths) / 1e6
    if size >= 1000:
        return f"{size / 1000:,.1f} GB"
    return f"{size:.0f} MB" if size >= 10 else f"{size:.1f} MB"


def description(info: DatasetInfo, here: Inventory) -> list[list[str]]:
    """What `hepexp data list` says about a data set, by its headings."""
    get = f"{info.how_to_fetch} (from {info.published_at})"
    if not info.releases:
        get = f"nothing is published; {info.how_to_fetch}"
    elif not info.fetchable:
        releases = (", ".join(file.name for part in release for file in part.files) for release in info.releases)
        get = f"{info.how_to_fetch}: {' or '.join(releases)}"
    published = "none"
    if here.published:
        published = f"{len(here.published):,} of {here.wanted:,} files, {megabytes(here.published)}"
    if here.started:
        published += f"; download interrupted after {megabytes(here.started)} of {here.started[0].stem}"
    converted = f"{len(here.converted):,} of {here.parts:,} parts, {megabytes(here.converted)}" + "".join(
        f", in {path.parent}" for path in here.converted[:1]
    )
    simulated = [f"{n:,} {info.noun}s, seed {seed}, {megabytes([path])}" for n, seed, path in here.simulated]
    shipped = "no" if info.mini is None else "not in this installation"
    if callable(info.mini):
        shipped = info.mini_about.get("command", "made when it is needed")
    facts = {
        "what": info.about,
        "classes": ", ".join(f"{name} ({label})" for label, name in enumerate(info.classes)),
        "size": f"{info.size}; {info.licence}",
        "cite": info.cite,
        "get it": get,
        "published": published,
        "converted": converted if here.converted else "none",
        "simulated": "; ".join(simulated) or "none",
        "shipped": f"yes, {megabytes([here.shipped])}" if here.shipped else shipped,
        "sources": f"{', '.join(info.sources)} (auto is {info.choose_source('auto')})",
    }
    if info.generator is not None:
        facts["simulated"] += f"; hepexp data generate {info.name}"
    return [[heading, text] for heading, text in facts.items()]
