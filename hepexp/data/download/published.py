"""The published files of the data sets: names, checksums and download locations."""

from __future__ import annotations

from dataclasses import dataclass


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


def limited(release: tuple[Part, ...], n_files: int | None) -> tuple[Part, ...]:
    """The first n_files parts of each split."""
    seen: dict[str | None, int] = {}
    kept = []
    for part in release:
        seen[part.split] = seen.get(part.split, 0) + 1
        if n_files is None or seen[part.split] <= n_files:
            kept.append(part)
    return tuple(kept)
