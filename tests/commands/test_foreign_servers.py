"""A record of somebody else does not decide which server gets the user's credentials, nor what is registered."""

import json
import shutil
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
import yaml

from tests.commands.shell import SMALL, hepexp

TINY = (*SMALL, "trainer.max_epochs=1", "dataset.n_train=128")
TOKEN = {"MLFLOW_TRACKING_TOKEN": "secret"}


@pytest.fixture(scope="module")
def server():
    """The address of a server that refuses everything, and what was sent to it as `Authorization`."""
    heard = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            heard.append(self.headers["Authorization"])
            self.send_response(403)
            self.end_headers()

        do_POST = do_GET

        def log_message(self, *_):
            pass

    listening = HTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=listening.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{listening.server_port}", heard
    listening.shutdown()


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The folder of a run that was made elsewhere, without a server."""
    home = tmp_path_factory.mktemp("elsewhere")
    result = hepexp(home, "train", *TINY)
    assert result.returncode == 0, result.stderr
    return (home / "runs" / "latest").resolve()


@pytest.fixture
def ours(tmp_path):
    """The variables of a user who has named no server yet."""
    return {"XDG_CONFIG_HOME": str(tmp_path / "config"), **TOKEN}


def foreign(run, folder, **tracking):
    shutil.copytree(run, folder)
    config = yaml.safe_load((folder / "config.yaml").read_text())
    config["tracking"] |= tracking
    config["trainer"]["max_epochs"] = 2
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    return str(folder)


def test_a_foreign_run_is_resumed_without_its_server_and_registers_nothing(run, server, ours, tmp_path):
    uri, heard = server
    folder = foreign(run, tmp_path / "runs" / "gift" / "run", uri=uri, register="tagger")
    for _ in range(2):  # what the first one recorded is not a reason for the second one to trust it
        result = hepexp(tmp_path, "train", "--resume", folder, **ours)
        assert result.returncode == 0, result.stderr
        assert f"tracking.uri={uri} comes from a record and is not contacted" in result.stderr
        assert "registered as" not in (tmp_path / "runs/gift/run/log.txt").read_text()
    assert yaml.safe_load((tmp_path / "runs/gift/run/config.yaml").read_text())["tracking"]["register"] is None
    refused = hepexp(tmp_path, "sync", **ours)
    assert refused.returncode == 1
    assert f"--uri {uri}" in refused.stderr
    assert heard == []

    assert hepexp(tmp_path, "sync", folder, "--uri", uri, **ours).returncode == 1  # it refuses, but was asked
    assert set(heard) == {"Bearer secret"}
    heard.clear()
    assert hepexp(tmp_path, "sync", **ours).returncode == 1  # it has been named now
    assert set(heard) == {"Bearer secret"}
    heard.clear()


def test_a_foreign_multirun_sends_nothing_until_its_server_is_named(server, ours, tmp_path):
    uri, heard = server
    (tmp_path / "jobs.json").write_text(json.dumps([[*TINY, f"tracking.uri={uri}", "tracking.register=tagger"]]))
    result = hepexp(tmp_path, "train", "-m", "--rerun-failed", ".", **ours)
    assert result.returncode == 0, result.stderr
    assert "is not contacted" in result.stderr
    assert "tracking.register=tagger of the multirun is not followed" in result.stderr
    assert heard == []
    result = hepexp(tmp_path, "train", "-m", "--rerun-failed", ".", f"tracking.uri={uri}", **ours)
    assert set(heard) == {"Bearer secret"}
    heard.clear()


def test_the_server_of_ones_own_run_is_contacted_when_it_is_resumed(server, ours, tmp_path):
    uri, heard = server
    assert hepexp(tmp_path, "train", *TINY, f"tracking.uri={uri}", **ours).returncode == 0
    assert heard
    heard.clear()
    result = hepexp(tmp_path, "train", "--resume", "latest", "trainer.max_epochs=2", **ours)
    assert "is not contacted" not in result.stderr
    assert heard
    heard.clear()
