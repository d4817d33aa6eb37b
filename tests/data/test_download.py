"""Downloads against a server that cuts, refuses and lies."""

import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from hepexp.data import download
from hepexp.data.download import fetch
from hepexp.data.published import PublishedFile, energyflow_parts
from hepexp.errors import DataError

CONTENT = np.random.default_rng(0).bytes(300_000)


class Server(ThreadingHTTPServer):
    """Serves CONTENT. `behaviour`: what happens to the next requests: ok, cut, 503, 404, lie, html, no-range."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.behaviour: list[str] = []
        self.ranges: list[str | None] = []
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
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Type", "text/html" if how == "html" else "application/octet-stream")
        self.end_headers()
        if how == "cut":
            body = body[: len(body) // 2]
        elif how == "lie":
            body = bytes(len(body))
        self.wfile.write(body)

    def log_message(self, *args) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as made:
        threading.Thread(target=made.serve_forever, daemon=True).start()
        yield made
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
    with pytest.raises(DataError, match=r"ended after 150000 of 300000 bytes.*goes on from here"):
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
        ({"sha256": "0" * 64}, "gave a file with sha256 [0-9a-f]{64}, expected 0{64}"),
        ({"sha256": None, "md5": "0" * 32}, "gave a file with md5 [0-9a-f]{32}, expected 0{32}"),
        ({"size": 299_000}, "gave 300000 bytes, expected 299000"),
    ],
)
def test_a_wrong_file_never_gets_its_name(server: Server, tmp_path: Path, changes: dict, message: str):
    with pytest.raises(DataError, match=message):
        get(published(server.url, **changes), tmp_path)
    assert list(tmp_path.glob("QG*")) == []


def test_nobody_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(download, "TIMEOUT", 1)
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
