"""Fetch a published file: resumable, checked, from the first mirror that works."""

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

from hepexp.data.files import checksum, only_one
from hepexp.data.published import PublishedFile
from hepexp.errors import DataError

TIMEOUT = 60  # seconds without a byte
PIECE = 2**20  # bytes

Report = Callable[[int, int | None], None]

log = logging.getLogger(__name__)


class _Refused(Exception):
    """A mirror gave something that cannot be the file, and trying it again would not help."""


class _Interrupted(Exception):
    """The connection or the server failed; another attempt may go well."""


def fetch(
    file: PublishedFile,
    folder: Path,
    report: Report = lambda done, size: None,
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
    DataError : no mirror gave the file, or the disk is full; says why each one failed, and how to go on.
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
            f"{part}: cannot be written: {error.strerror}; make room or set HEPEXP_DATA_DIR, the same command goes on"
        ) from None
    raise DataError(f"{file.name}: not downloaded: {'; '.join(failures)}; the same command goes on from here")


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Let one process at a time fetch a file, and tell the others why they wait."""
    lock = only_one(path)
    try:
        lock.acquire(timeout=0.2)
    except Timeout:
        log.warning("data: another process is fetching %s; waiting for it", path.name)
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _try(url: str, file: PublishedFile, part: Path, report: Report, attempts: int, pause: float) -> str | None:
    """Complete part from one mirror; gives what was wrong, or None."""
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
    """Fetch what part lacks."""
    have = part.stat().st_size if part.exists() else 0
    answer = _open(url, have)
    if answer is None:  # nothing beyond what is there: complete, or of another file; the checksum tells
        return
    with answer:
        if answer.headers.get_content_type() == "text/html":
            raise _Refused("gave a web page in place of the file")
        if answer.status != 206:  # the server does not know ranges: from the beginning
            have = 0
        elif not (given := answer.headers.get("Content-Range", f"bytes {have}-")).startswith(f"bytes {have}-"):
            raise _Refused(f"gave {given} when asked for bytes {have}-")
        left = answer.headers.get("Content-Length", "")
        total = size or (have + int(left) if left.isdecimal() else None)
        with part.open("ab" if have else "wb") as out:
            while piece := _read(answer):
                out.write(piece)
                have += len(piece)
                report(have, total)
                if size is not None and have > size:
                    break  # whatever it is, it is not the file
    if total is not None and have < total:
        raise _Interrupted(f"the connection ended after {have} of {total} bytes")


def _open(url: str, have: int) -> http.client.HTTPResponse | None:
    """The answer of a server that is asked for what follows these bytes; None if nothing does."""
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
    """What has come of the bytes that follow; what fails here is the network, not the disk."""
    try:
        return answer.read1(PIECE)
    except (OSError, http.client.HTTPException) as error:
        raise _Interrupted(_reason(error)) from None


def _reason(error: Exception) -> str:
    return " ".join(str(getattr(error, "reason", None) or error or type(error).__name__).split())


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
        raise (_Interrupted if resumed else _Refused)(problem)
