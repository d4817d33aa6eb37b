"""Downloads against a server that cuts, refuses and lies."""

import contextlib
import errno
import hashlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from hepexp.data.dataset_info import PublishedFile
from hepexp.data.datasets.qg.info import energyflow_parts
from hepexp.data.download import fetch as http
from hepexp.data.download.fetch import fetch
from hepexp.errors import DataError

CONTENT = np.random.default_rng(0).bytes(300_000)


class Server(ThreadingHTTPServer):
    """Serves CONTENT. `behaviour`: what happens to the next requests.

    ok; cut: half of the rest; 503, 404; lie: other bytes; html; no-range: the whole file whatever was asked; too-long,
    too-short: the length that is announced; shifted: another range than asked; silent: nothing for a while, then a cut.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.behaviour: list[str] = []
        self.ranges: list[str | None] = []
        self.woken = threading.Event()
        self.url = f"http://127.0.0.1:{self.server_port}/QG_jets.npz"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        how = self.server.behaviour.pop(0) if self.server.behaviour else "ok"
        asked = self.headers.get("Range")
        self.server.ranges.append(asked)
        if how in ("503", "404"):
            self.send_error(int(how))
            return
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and how != "no-range" else 0
        if start >= len(CONTENT):
            self.send_error(416)
            return
        body = CONTENT[start:]
        announced = {"too-long": len(body) + 1000, "too-short": len(body) - 100_000}.get(how, len(body))
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(announced))
        if start:
            first = start + (how == "shifted")
            self.send_header("Content-Range", f"bytes {first}-{len(CONTENT) - 1}/{len(CONTENT)}")
        self.send_header("Content-Type", "text/html" if how == "html" else "application/octet-stream")
        self.end_headers()
        if how == "cut":
            body = body[: len(body) // 2]
        elif how == "lie":
            body = bytes(len(body))
        elif how == "silent":
            self.wfile.write(body[:1000])
            self.server.woken.wait(5)
            return
        with contextlib.suppress(ConnectionError):  # the other side may have enough
            self.wfile.write(body)

    def log_message(self, *args) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as made:
        threading.Thread(target=made.serve_forever, args=(0.02,), daemon=True).start()
        yield made
        made.woken.set()
        made.shutdown()


def published(*urls: str, **changes) -> PublishedFile:
    values = {
        "name": "QG_jets.npz",
        "md5": hashlib.md5(CONTENT).hexdigest(),
        "sha256": hashlib.sha256(CONTENT).hexdigest(),
        "urls": urls,
        "size": len(CONTENT),
    }
    return PublishedFile(**{**values, **changes})


def get(file: PublishedFile, folder: Path, **options) -> Path:
    return fetch(file, folder, pause=0.01, **options)


def test_a_file_arrives_whole_and_is_not_fetched_again(server: Server, tmp_path: Path):
    seen = []
    path = get(published(server.url), tmp_path, report=lambda done, size: seen.append((done, size)))
    assert path.read_bytes() == CONTENT
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert get(published(server.url), tmp_path) == path
    assert len(server.ranges) == 1
    assert [p.name for p in tmp_path.glob("QG*")] == ["QG_jets.npz"]


def test_a_cut_connection_is_taken_up_where_it_ended(server: Server, tmp_path: Path):
    server.behaviour = ["cut", "cut", "ok"]
    assert get(published(server.url), tmp_path).read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=150000-", "bytes=225000-"]


def test_a_later_call_goes_on_from_the_part(server: Server, tmp_path: Path):
    server.behaviour = ["cut"]
    with pytest.raises(DataError, match=r"closed after 150000 of 300000 bytes.*same command again to resume"):
        get(published(server.url), tmp_path, attempts=1)
    assert (tmp_path / "QG_jets.npz.part").stat().st_size == 150_000
    assert not (tmp_path / "QG_jets.npz").exists()
    assert get(published(server.url), tmp_path).read_bytes() == CONTENT
    assert server.ranges[-1] == "bytes=150000-"


def test_a_server_without_ranges_begins_again(server: Server, tmp_path: Path):
    server.behaviour = ["cut", "no-range"]
    assert get(published(server.url), tmp_path).read_bytes() == CONTENT


def test_a_part_that_is_complete_only_needs_its_name(server: Server, tmp_path: Path):
    (tmp_path / "QG_jets.npz.part").write_bytes(CONTENT)
    assert get(published(server.url), tmp_path).read_bytes() == CONTENT


def test_a_part_of_another_file_is_dropped(server: Server, tmp_path: Path):
    (tmp_path / "QG_jets.npz.part").write_bytes(bytes(1000))
    assert get(published(server.url), tmp_path).read_bytes() == CONTENT
    assert server.ranges == ["bytes=1000-", None]


def test_a_server_that_recovers(server: Server, tmp_path: Path):
    server.behaviour = ["503", "503"]
    assert get(published(server.url), tmp_path).read_bytes() == CONTENT


@pytest.mark.parametrize("trouble", ["404", "lie", "html"])
def test_the_mirror_is_asked_when_the_first_place_fails(server: Server, tmp_path: Path, trouble: str):
    server.behaviour = [trouble]
    assert get(published(server.url, server.url), tmp_path).read_bytes() == CONTENT
    assert len(server.ranges) == 2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sha256": "0" * 64}, "sent a file with sha256 [0-9a-f]{64}, expected 0{64}"),
        ({"sha256": None, "md5": "0" * 32}, "sent a file with md5 [0-9a-f]{32}, expected 0{32}"),
        ({"size": 299_000}, "sent 300000 bytes, expected 299000"),
    ],
)
def test_a_wrong_file_never_gets_its_name(server: Server, tmp_path: Path, changes: dict, message: str):
    with pytest.raises(DataError, match=message):
        get(published(server.url, **changes), tmp_path)
    assert list(tmp_path.glob("QG*")) == []


@pytest.mark.parametrize("changes", [{}, {"size": None}], ids=["known size", "unknown size"])
@pytest.mark.parametrize("how", ["too-long", "too-short"])
def test_a_lie_about_the_length_does_not_matter_where_the_bytes_are_right(
    server: Server, tmp_path: Path, how: str, changes: dict
):
    server.behaviour = [how]
    again = (server.url,) if how == "too-short" and changes else ()  # taken for whole, and then its checksum is wrong
    assert get(published(server.url, *again, **changes), tmp_path).read_bytes() == CONTENT


def test_another_range_than_asked_is_refused(server: Server, tmp_path: Path):
    server.behaviour = ["cut", "shifted"]
    with pytest.raises(DataError, match=r"sent bytes 150001-299999/300000 when asked for bytes 150000-"):
        get(published(server.url), tmp_path)
    assert (tmp_path / "QG_jets.npz.part").stat().st_size == 150_000


def test_a_server_that_goes_silent_is_asked_again(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(http, "TIMEOUT", 0.2)
    server.behaviour = ["silent", "ok"]
    assert get(published(server.url), tmp_path).read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=1000-"]
    server.behaviour = ["silent"]
    (tmp_path / "QG_jets.npz").unlink()
    with pytest.raises(DataError, match=r"timed out \(1 attempts\)"):
        get(published(server.url), tmp_path, attempts=1)


def test_the_mirror_goes_on_where_the_first_place_broke_off(server: Server, tmp_path: Path):
    server.behaviour = ["cut"]
    assert get(published(server.url, server.url), tmp_path, attempts=1).read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=150000-"]


def test_every_place_says_why_it_failed(server: Server, tmp_path: Path):
    server.behaviour = ["404", "html", "503"]
    with pytest.raises(DataError) as error:
        get(published(server.url, server.url, server.url), tmp_path, attempts=1)
    for reason in ("HTTP 404", "sent a web page instead of the file", "HTTP 503"):
        assert reason in str(error.value)
    assert list(tmp_path.glob("QG*")) == []


class FullDisk:
    """A file on a disk with room for so many bytes."""

    def __init__(self, path: Path, mode: str, room: int) -> None:
        self.file = open(path, mode)  # noqa: SIM115  closed on leaving
        self.room = room

    def __enter__(self) -> "FullDisk":
        return self

    def __exit__(self, *error) -> None:
        self.file.close()

    def write(self, piece: bytes) -> None:
        self.file.write(piece[: self.room])
        self.room -= len(piece)
        if self.room < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_is_named_and_what_is_there_is_kept(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(Path, "open", lambda path, mode="r": FullDisk(path, mode, 100_000))
    with pytest.raises(
        DataError, match=r"QG_jets.npz.part: cannot be written: No space left on device; free some space"
    ) as error:
        get(published(server.url), tmp_path)
    assert "\n" not in str(error.value)
    monkeypatch.undo()
    assert len(server.ranges) == 1
    assert not (tmp_path / "QG_jets.npz").exists()
    assert get(published(server.url), tmp_path).read_bytes() == CONTENT
    assert server.ranges[-1] == "bytes=100000-"


def test_a_folder_that_cannot_be_written_is_named(server: Server, tmp_path: Path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DataError, match="cannot be written"):
        get(published(server.url), tmp_path / "file" / "data")


@pytest.mark.parametrize("seed", range(20))
def test_whatever_happens_the_file_is_whole_or_absent(server: Server, tmp_path: Path, seed: int):
    random = np.random.default_rng(seed)
    kinds = ["ok", "cut", "503", "404", "lie", "html", "no-range", "too-long", "too-short", "shifted"]
    server.behaviour = [str(kind) for kind in random.choice(kinds, 12)]
    for _ in range(3):
        with contextlib.suppress(DataError):
            get(published(server.url, server.url, size=None), tmp_path, attempts=2)
        path = tmp_path / "QG_jets.npz"
        assert not path.exists() or path.read_bytes() == CONTENT


def test_a_second_process_waits_and_says_so(server: Server, tmp_path: Path):
    server.behaviour = ["silent"]
    file = published(server.url)
    code = (
        "import sys, logging; logging.basicConfig(); from pathlib import Path\n"
        "from hepexp.data.download.fetch import fetch; from hepexp.data.dataset_info import PublishedFile\n"
        f"fetch({file!r}, Path({str(tmp_path)!r}), pause=0.01)"
    )
    processes = [subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True) for _ in range(2)]
    with contextlib.suppress(subprocess.TimeoutExpired):
        processes[0].wait(0.5)
    timer = threading.Timer(2, server.woken.set)
    timer.start()
    said = "".join(process.communicate(timeout=60)[1] for process in processes)
    assert [process.returncode for process in processes] == [0, 0]
    assert "waiting for another process to download QG_jets.npz" in said
    assert (tmp_path / "QG_jets.npz").read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=1000-"]  # of one process only


def test_nobody_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(http, "TIMEOUT", 1)
    with pytest.raises(DataError, match=r"127.0.0.1:9: .*\(2 attempts\)") as error:
        get(published("http://127.0.0.1:9/QG_jets.npz"), tmp_path, attempts=2)
    assert "\n" not in str(error.value)


def test_two_at_once_fetch_once(server: Server, tmp_path: Path):
    threads = [threading.Thread(target=get, args=(published(server.url), tmp_path)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (tmp_path / "QG_jets.npz").read_bytes() == CONTENT
    assert len(server.ranges) == 1


def test_the_published_set_has_twenty_files_with_checksums_and_two_places():
    files = [file for part in energyflow_parts() for file in part.files]
    assert [file.name for file in files] == ["QG_jets.npz", *(f"QG_jets_{i}.npz" for i in range(1, 20))]
    assert len({file.md5 for file in files} | {file.sha256 for file in files}) == 40
    assert all(len(file.md5) == 32 and len(file.sha256) == 64 and len(file.urls) == 2 for file in files)
