"""`doctor` says what is amiss and what to do; `ui` serves this project's store and leaves nothing behind."""

import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import psutil
import pytest

from hepexp.cli import doctor, ui
from hepexp.cli import main as shell
from hepexp.tracking import provenance


@pytest.fixture
def runs(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("HEPEXP_RUNS_DIR", str(tmp_path / "runs"))
    (tmp_path / "runs").mkdir()
    return tmp_path / "runs"


def findings(capsys, code=0):
    assert shell.main(["doctor", "--json"]) == code
    return {finding["name"]: finding for finding in json.loads(capsys.readouterr().out)}


def test_doctor_finds_this_installation_in_order(runs, capsys):
    found = findings(capsys)
    assert found["torch"]["state"] == found["runs"]["state"] == found["MLflow store"]["state"] == "ok"
    assert found["MLflow store"]["found"].startswith("none yet")
    assert found["hepexp"]["found"].startswith(provenance.version())
    assert "GiB of memory" in found["CPU"]["found"]
    assert f"HEPEXP_RUNS_DIR={runs}" in found["environment"]["found"]
    assert shell.main(["doctor"]) == 0
    assert "MLflow store" in capsys.readouterr().out


def test_doctor_counts_runs_and_names_a_damaged_store(runs, capsys, monkeypatch):
    monkeypatch.setattr(doctor, "CHECKS", (doctor._store,))
    with sqlite3.connect(runs / "mlflow.db") as store:
        store.execute("CREATE TABLE runs (status TEXT)")
        store.executemany("INSERT INTO runs VALUES (?)", [("FINISHED",), ("FINISHED",), ("FAILED",)])
    store.close()
    assert findings(capsys)["MLflow store"]["found"] == "3 runs: 1 FAILED, 2 FINISHED"
    (runs / "mlflow.db").write_bytes(b"no database" * 100)
    broken = findings(capsys, code=1)["MLflow store"]
    assert (broken["state"], broken["found"]) == ("broken", "file is not a database")
    assert "move it away" in broken["advice"]


def test_doctor_says_what_to_install(capsys, monkeypatch):
    wanted = ["torch>=99", "no-such-package>=1", "rich>=1", "no-such-extra; extra == 'generate'"]
    monkeypatch.setattr(doctor, "requires", lambda _: wanted)
    monkeypatch.setattr(doctor, "CHECKS", (doctor._packages,))
    found = findings(capsys, code=1)
    assert found["torch"]["state"] == found["no-such-package"]["state"] == "broken"
    assert found["torch"]["advice"] == "pip install 'torch>=99'"
    assert found["rich"]["state"] == "ok"
    assert found["no-such-extra (generate)"]["state"] == "note"
    assert found["no-such-extra (generate)"]["advice"] == "pip install 'hepexp[generate]'"


def test_doctor_says_how_to_install_escnn_and_where_its_bases_are(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("HEPEXP_STORE_DIR", str(tmp_path))
    (tmp_path / "escnn").mkdir()
    (tmp_path / "escnn" / "C4_lift_1.0.11.npz").touch()
    monkeypatch.setattr(doctor, "CHECKS", (doctor._escnn,))
    monkeypatch.setattr(doctor, "version", lambda _: "1.0.11")
    ready = findings(capsys)["escnn (equivariant)"]
    assert ready["state"] == "ok"
    assert ready["found"].endswith(f"kernels in {tmp_path / 'escnn'}: 1 files")
    monkeypatch.setattr(doctor, "version", lambda _: "0.9")
    assert findings(capsys)["escnn (equivariant)"]["found"] == "0.9, tested with 1.0.11"

    def missing(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(doctor, "version", missing)
    found = findings(capsys)["escnn (equivariant)"]  # a note: other models work without it
    assert found["state"] == "note"
    assert "pip install --no-deps escnn==1.0.11 joblib pymanopt autograd" in found["advice"]


def test_doctor_notices_a_runs_folder_that_cannot_be_made(tmp_path, monkeypatch, capsys):
    (tmp_path / "file").touch()
    monkeypatch.setenv("HEPEXP_RUNS_DIR", str(tmp_path / "file" / "runs"))
    monkeypatch.setattr(doctor, "CHECKS", (doctor._folders,))
    assert findings(capsys, code=1)["runs"]["state"] == "broken"


def test_ui_without_a_store_says_how_to_make_one(runs, capsys):
    assert shell.main(["ui"]) == 1
    assert "make one with hepexp train" in capsys.readouterr().err


def test_ui_names_a_port_that_is_taken(runs, capsys):
    (runs / "mlflow.db").touch()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert shell.main(["ui", "--port", str(port)]) == 1
    assert f"port {port} on 127.0.0.1 is taken; choose another: hepexp ui --port" in capsys.readouterr().err
    assert shell.main(["ui", "--port", "99999"]) == 2
    assert "--port must be between 1 and 65535, got 99999" in capsys.readouterr().err


def test_ui_answers_by_every_name_of_this_machine_when_others_may_come(monkeypatch):
    monkeypatch.delenv("MLFLOW_SERVER_ALLOWED_HOSTS", raising=False)
    here = f"{socket.gethostname()}:5000"
    given = ui._environment("0.0.0.0", 5000)
    assert {here, "127.0.0.1:5000", "localhost:*"} <= set(given["MLFLOW_SERVER_ALLOWED_HOSTS"].split(","))
    assert f"http://{here}" in given["MLFLOW_SERVER_CORS_ALLOWED_ORIGINS"].split(",")
    assert "MLFLOW_SERVER_ALLOWED_HOSTS" not in ui._environment("127.0.0.1", 5000)
    monkeypatch.setenv("MLFLOW_SERVER_ALLOWED_HOSTS", "mine")
    assert ui._environment("0.0.0.0", 5000)["MLFLOW_SERVER_ALLOWED_HOSTS"] == "mine"


def test_ui_answers_by_the_names_that_it_is_given(monkeypatch, runs, capsys):
    from mlflow.server import security_utils

    monkeypatch.setenv("MLFLOW_SERVER_ALLOWED_HOSTS", "mine")  # what is typed comes first
    for key, value in ui._environment("127.0.0.1", 5000, ui._names("plots.example.org, *.local,a:81")).items():
        monkeypatch.setenv(key, value)
    hosts = security_utils.get_allowed_hosts_from_env()
    for host in ("plots.example.org", "plots.example.org:8080", "n1.local:5000", "a:81", "localhost:5000"):
        assert security_utils.is_allowed_host_header(hosts, host), host
    for host in ("a:82", "example.org", "evil.org", "mine"):
        assert not security_utils.is_allowed_host_header(hosts, host), host
    origins = security_utils.get_allowed_origins_from_env()
    for origin in ("https://plots.example.org", "http://plots.example.org:8080"):
        assert not security_utils.should_block_cors_request(origin, "POST", origins)
    assert security_utils.should_block_cors_request("http://evil.org", "POST", origins)
    for wrong in ("*", "a,,b", "http://a", "a/b", "a b"):
        assert shell.main(["ui", "--allowed-hosts", wrong]) == 2, wrong
        assert "--allowed-hosts must be host names, NAME or NAME:PORT" in capsys.readouterr().err


def test_ui_serves_the_store_and_leaves_no_process_behind(runs, tmp_path):
    (runs / "mlflow.db").touch()  # MLflow makes its tables in an empty file
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "hepexp", "ui", "--port", str(port)]
    server = subprocess.Popen(
        command,
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a shell's background jobs ignore it
    )
    try:
        address = re.search(r"http://[^/]+", server.stdout.readline())[0]
        assert address == f"http://127.0.0.1:{port}"
        with urllib.request.urlopen(address, timeout=30) as answer:
            assert answer.status == 200
        children = psutil.Process(server.pid).children(recursive=True)
        assert children
        os.kill(server.pid, signal.SIGINT)
        _, errors = server.communicate(timeout=60)
        assert (server.returncode, errors) == (0, "")
        time.sleep(0.2)
        assert [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE] == []
    finally:
        server.kill()
