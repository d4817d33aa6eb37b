"""The published files of each data set: name, checksums, and where they are fetched."""

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
    urls : places to fetch it from, the publisher's first.
    size : bytes, where the publisher gives it; else the server is believed, and the checksum decides.
    """

    name: str
    md5: str | None
    sha256: str | None
    urls: tuple[str, ...]
    size: int | None = None


def qg_files() -> list[PublishedFile]:
    """The twenty files of the EnergyFlow sample without charm and bottom: Zenodo record 3164691, and a mirror.

    Checksums are those that EnergyFlow 1.3 checks after a download.
    """
    with files(__package__).joinpath("qg.csv").open() as table:
        return [
            PublishedFile(
                name=row["name"],
                md5=row["md5"],
                sha256=row["sha256"],
                urls=(
                    f"https://zenodo.org/records/3164691/files/{row['name']}?download=1",
                    f"https://www.dropbox.com/s/{row['dropbox']}/{row['name']}?dl=1",
                ),
            )
            for row in csv.DictReader(table)
        ]
