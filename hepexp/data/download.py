"""Fetch a published file: resumable, checked, from the first mirror that works."""

from __future__ import annotations

import http.client
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from hepexp.data.files import checksum, only_one
from hepexp.data.published import PublishedFile
from hepexp.errors import DataError

TIMEOUT = 60  # seconds without a byte
PIECE = 2**20  # bytes

_TRANSIENT = (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError)


class _Refused(Exception):
    """A mirror gave something that cannot be the file, and trying it again would not help."""


def fetch(
    file: PublishedFile,
    folder: Path,
    report: Callable[[int, int | None], None] = lambda done, size: None,
    attempts: int = 4,
    pause: float = 2.0,
) -> Path:
    """Bring one file into a folder, unless it is there already.

    Bytes go to `<name>.part`; a later call goes on from there. The file gets its name only when its checksum is right.
    A lock lets one of several processes fetch while the others wait.

    Parameters
    ----------
    file : what to fetch.
    folder : where to.
    report : called with the bytes that are there, and the size of the file where it is known.
    attempts : tries for each mirror.
    pause : seconds before the second try, twice as many before each further one.

    Returns
    -------
    Path of the complete file.

    Raises
    ------
    DataError : no mirror gave the file; says why each one failed, and how to go on.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path, part = folder / file.name, folder / f"{file.name}.part"
    with only_one(path):
        if path.exists():
            return path
        failures = []
        for url in file.urls:
            host = urlsplit(url).netloc
            for attempt in range(attempts):
                if attempt:
                    time.sleep(pause * 2 ** (attempt - 1))
                try:
                    resumed = part.exists()
                    _append(url, part, file.size, report)
                    _check(part, file, resumed)
                    part.replace(path)
                    return path
                except _Refused as error:
                    failures.append(f"{host}: {error}")
                    break
                except _TRANSIENT as error:
                    last = f"{host}: {getattr(error, 'reason', None) or error or type(error).__name__}"
                except OSError as error:
                    raise DataError(f"{part}: cannot be written: {error.strerror}; then start again") from None
            else:
                failures.append(f"{last} ({attempts} attempts)")
    raise DataError(f"{file.name}: not downloaded: {'; '.join(failures)}; the same command goes on from here")


def _append(url: str, part: Path, size: int | None, report: Callable[[int, int | None], None]) -> None:
    """Fetch what part lacks."""
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"User-Agent": "hepexp"})
    if have:
        request.add_header("Range", f"bytes={have}-")
    try:
        answer = urllib.request.urlopen(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        if error.code == 416 and have:  # nothing beyond what is there: complete, or of another file; the checksum tells
            return
        if error.code in (408, 429) or error.code >= 500:
            raise
        raise _Refused(f"HTTP {error.code} {error.reason}") from None
    with answer:
        if answer.headers.get_content_type() == "text/html":
            raise _Refused("gave a web page in place of the file")
        if answer.status != 206:  # the server does not know ranges: from the beginning
            have = 0
        left = answer.headers.get("Content-Length")
        total = size or (have + int(left) if left else None)
        with part.open("ab" if have else "wb") as out:
            while piece := answer.read(PIECE):
                out.write(piece)
                have += len(piece)
                report(have, total)
    if total is not None and have < total:
        raise ConnectionError(f"the connection ended after {have} of {total} bytes")


def _check(part: Path, file: PublishedFile, resumed: bool) -> None:
    """Remove a part that is complete but wrong; a beginning from an earlier time may be to blame, so try once more."""
    problem = None
    size = part.stat().st_size
    if file.size is not None and size != file.size:
        problem = f"gave {size} bytes, expected {file.size}"
    for kind in ("sha256", "md5"):
        expected = getattr(file, kind)
        if not problem and expected and (computed := checksum(part, kind)) != expected:
            problem = f"gave a file with {kind} {computed}, expected {expected}"
    if problem:
        part.unlink()
        raise ConnectionError(problem) if resumed else _Refused(problem)
