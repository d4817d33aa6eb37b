"""The published files of the data sets: names, checksums, and where they are fetched."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from importlib.resources import files


@dataclass(frozen=True)
class PublishedFile:
    """One file of a published data set.

    Parameters
    ----------
    name : file name.
    md5, sha256 : checksums in hexadecimal; None where the publisher gives none.
    urls : places to fetch it from, the publisher's first; none where a person must fetch it.
    size : bytes, where the publisher gives it; else the server is believed, and the checksum decides.
    archive : tar archive that holds the file, where it is not published by itself.
    """

    name: str
    md5: str | None = None
    sha256: str | None = None
    urls: tuple[str, ...] = ()
    size: int | None = None
    archive: PublishedFile | None = None


@dataclass(frozen=True)
class Part:
    """A piece of a published data set that becomes one file of the store.

    Parameters
    ----------
    name : of the file of the store, without its ending.
    files : what it is made from; a reader gets the first and finds the others beside it.
    split : `train`, `val` or `test`, where the publisher says so.
    n : examples in it, where the publisher says so.
    """

    name: str
    files: tuple[PublishedFile, ...]
    split: str | None = None
    n: int | None = None


def limited(form: tuple[Part, ...], n_files: int | None) -> tuple[Part, ...]:
    """The first n_files parts of each split."""
    seen: dict[str | None, int] = {}
    kept = []
    for part in form:
        seen[part.split] = seen.get(part.split, 0) + 1
        if n_files is None or seen[part.split] <= n_files:
            kept.append(part)
    return tuple(kept)


def energyflow_parts() -> tuple[Part, ...]:
    """The twenty files of the EnergyFlow sample without charm and bottom: Zenodo record 3164691, and a mirror.

    Checksums are those that EnergyFlow 1.3 checks after a download.
    """
    with files(__package__).joinpath("qg.csv").open(encoding="utf-8") as table:
        return tuple(
            Part(
                row["name"].removesuffix(".npz"),
                (
                    PublishedFile(
                        name=row["name"],
                        md5=row["md5"],
                        sha256=row["sha256"],
                        urls=(
                            f"https://zenodo.org/records/3164691/files/{row['name']}?download=1",
                            f"https://www.dropbox.com/s/{row['dropbox']}/{row['name']}?dl=1",
                        ),
                    ),
                ),
                n=100_000,
            )
            for row in csv.DictReader(table)
        )
