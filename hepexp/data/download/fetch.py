"""Fetch a published file over HTTP: resumable, verified, from the first mirror that works."""

from __future__ import annotations

import contextlib
import http.client
import logging
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

from filelock import Timeout

from hepexp.data.dataset_info import PublishedFile
from hepexp.data.store.integrity import checksum
from hepexp.data.store.lock import only_one
from hepexp.errors import DataError

TIMEOUT = 60  # seconds without data
PIECE = 2**20  # bytes

Report = Callable[[int, int | None], None]

log = logging.getLogger(__name__)


class _Refused(Exception):
    """A mirror sent something that cannot be the file, and trying again would not help."""


class _Interrupted(Exception):
    """The connection or the server failed; another attempt may succeed."""


def fetch(
    file: PublishedFile,
    folder: Path,
    report: Report = lambda done, size: None,
    attempts: int = 4,
    pause: float = 2.0,
) -> Path:
    """Download one file into a folder, unless it is already there.

    Data are written to `<name>.part`, from which a later call resumes. The file gets its final name only after its
    checksum has been verified. A lock ensures that only one process downloads while the others wait.

    Parameters
    ----------
    file : the file to download.
    folder : where to put it.
    report : called with the number of bytes downloaded so far, and the size of the file if that is known.
    attempts : number of attempts per mirror.
    pause : seconds before the second attempt, doubled before each further one.

    Returns
    -------
    Path of the complete file.

    Raises
    ------
    DataError : no mirror provided the file, or the disk is full; says why each mirror failed, and how to resume.
    """
    path, part = folder / file.name, folder / f"{file.name}.part"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _alone(path):
            if path.exists():
                return path
            failures = []
            for url in file.urls:
                failure = _try(url, file, part, report, attempts, pause)
                if failure is None:
                    part.replace(path)
                    return path
                failures.append(f"{urlsplit(url).netloc}: {failure}")
    except OSError as error:
        raise DataError(
            f"{part}: cannot be written: {error.strerror}; free some space or set HEPEXP_DATA_DIR, then run the same "
            "command again to resume"
        ) from None
    raise DataError(f"{file.name}: not downloaded: {'; '.join(failures)}; run the same command again to resume")


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Let one process at a time download a file, and tell the others why they are waiting."""
    lock = only_one(path)
    try:
        lock.acquire(timeout=0.2)
    except Timeout:
        log.warning("data: waiting for another process to download %s", path.name)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _try(url: str, file: PublishedFile, part: Path, report: Report, attempts: int, pause: float) -> str | None:
    """Complete part from one mirror; returns what went wrong, or None."""
    last = "no attempt"
    for attempt in range(attempts):
        if attempt:
            time.sleep(pause * 2 ** (attempt - 1))
        resumed = part.exists()
        try:
            _append(url, part, file.size, report)
            _check(part, file, resumed)
        except _Refused as error:
            return str(error)
        except _Interrupted as error:
            last = str(error)
        else:
            return None
    return f"{last} ({attempts} attempts)"


def _append(url: str, part: Path, size: int | None, report: Report) -> None:
    """Download whatever is missing from part."""
    have = part.stat().st_size if part.exists() else 0
    answer = _open(url, have)
    if answer is None:  # nothing left to send: part is complete, or belongs to another file; the checksum will tell
        return
    with answer:
        if answer.headers.get_content_type() == "text/html":
            raise _Refused("sent a web page instead of the file")
        if answer.status != 206:  # the server does not support ranges: start from the beginning
            have = 0
        elif not (given := answer.headers.get("Content-Range", f"bytes {have}-")).startswith(f"bytes {have}-"):
            raise _Refused(f"sent {given} when asked for bytes {have}-")
        left = answer.headers.get("Content-Length", "")
        total = size or (have + int(left) if left.isdecimal() else None)
        with part.open("ab" if have else "wb") as out:
            while piece := _read(answer):
                out.write(piece)
                have += len(piece)
                report(have, total)
                if size is not None and have > size:
                    break  # this cannot be the file
    if total is not None and have < total:
        raise _Interrupted(f"the connection was closed after {have} of {total} bytes")


def _open(url: str, have: int) -> http.client.HTTPResponse | None:
    """The server's response to a request for everything after these bytes; None if there is nothing left."""
    request = urllib.request.Request(url, headers={"User-Agent": "hepexp"})
    if have:
        request.add_header("Range", f"bytes={have}-")
    try:
        return urllib.request.urlopen(request, timeout=TIMEOUT)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 416 and have:
            return None
        kind = _Interrupted if error.code in (408, 429) or error.code >= 500 else _Refused
        raise kind(f"HTTP {error.code} {error.reason}") from None
    except (OSError, http.client.HTTPException) as error:
        raise _Interrupted(_reason(error)) from None


def _read(answer: http.client.HTTPResponse) -> bytes:
    """The bytes received so far; an error here comes from the network, not the disk."""
    try:
        return answer.read1(PIECE)
    except (OSError, http.client.HTTPException) as error:
        raise _Interrupted(_reason(error)) from None


def _reason(error: Exception) -> str:
    return " ".join(str(getattr(error, "reason", None) or error or type(error).__name__).split())


def _check(part: Path, file: PublishedFile, resumed: bool) -> None:
    """Remove a part that is complete but wrong; if it was resumed, the old data may be to blame, so try once more."""
    problem = None
    size = part.stat().st_size
    if file.size is not None and size != file.size:
        problem = f"sent {size} bytes, expected {file.size}"
    for kind in ("sha256", "md5"):
        expected = getattr(file, kind)
        if not problem and expected and (computed := checksum(part, kind)) != expected:
            problem = f"sent a file with {kind} {computed}, expected {expected}"
    if problem:
        part.unlink()
        raise (_Interrupted if resumed else _Refused)(problem)
