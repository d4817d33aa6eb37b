"""A run on a real MLflow server: beside its training, and afterwards where the server was out of reach."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from urllib.error import URLError

import pytest
from mlflow.tracking import MlflowClient

from hepexp.cli import main as shell
from hepexp.errors import ConfigError, HepexpError
from hepexp.tracking import known_servers, registry, store
from hepexp.tracking.mlflow_store import MlflowRun
from hepexp.tracking.registry import Judgement
from hepexp.tracking.remote import Remote, check_uri
from hepexp.tracking.run_folder import RunFolder


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def uri(tmp_path_factory):
    """The address of a server with a store of its own."""
    folder, port = tmp_path_factory.mktemp("server"), free_port()
    address = f"http://127.0.0.1:{port}"
    options = {"--backend-store-uri": f"sqlite:///{folder}/server.db", "--artifacts-destination": f"{folder}/artifacts"}
    words = [word for option in options.items() for word in option]
    server = subprocess.Popen(
        [sys.executable, "-m", "mlflow", "server", *words, "--port", str(port), "--workers", "1"],
        env=os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    for _ in range(600):
        try:
            urllib.request.urlopen(f"{address}/health", timeout=1).close()
            break
        except (URLError, OSError):
            time.sleep(0.1)
    yield address
    os.killpg(server.pid, 15)
    server.wait()


@pytest.fixture
def start(existing_store):
    """Begin a run; the folder holds one file beside its config."""

    def begin(address, name="pfn", **more):
        known_servers.remember(address)
        folder = RunFolder.create("hepexp", name)
        folder.point_latest()
        folder.write_yaml("config.yaml", {"seed": 1, "tracking": {"uri": address}})
        folder.write_json("metrics.json", {"test/auc": 0.9})
        params = {"seed": 1, "tracking": {"uri": address}, **{f"long_{k}": k for k in range(150)}}
        return MlflowRun.start("hepexp", name, params, {"task": "t", **more.pop("tags", {})}, folder.path, **more)

    return begin


def copy_of(uri, run):
    """The run on the server, which must be there once."""
    server = MlflowClient(uri)
    experiment = server.get_experiment_by_name("hepexp").experiment_id
    (found,) = server.search_runs([experiment], f"tags.local_run_id = '{run.run_id}'")
    return server, found


def values(client, run_id, key):
    return [(m.step, m.value, m.timestamp) for m in client.get_metric_history(run_id, key)]


def assert_same(uri, run):
    server, there = copy_of(uri, run)
    here = store.connect().get_run(run.run_id)
    assert there.data.params == here.data.params
    assert there.info.status == here.info.status
    assert (there.info.start_time, there.info.end_time) == (here.info.start_time, here.info.end_time)
    assert there.data.tags.items() >= {k: v for k, v in here.data.tags.items() if k != "synced"}.items()
    for key in here.data.metrics:
        assert values(server, there.info.run_id, key) == values(store.connect(), run.run_id, key)
    assert {f.path for f in server.list_artifacts(there.info.run_id)} >= {"config.yaml", "metrics.json"}


def test_a_run_is_on_the_server_while_it_goes_on_and_whole_at_its_end(start, uri):
    run = start(uri, uri=uri)
    run.log_dataset("qg", {"source": "mini", "files": [], "n_train": 10})
    run.log_metrics({"val/auc": 0.8}, 0)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            _, there = copy_of(uri, run)
            if there.data.metrics:
                break
        except (AttributeError, ValueError):
            pass  # not there yet
        time.sleep(0.1)
    assert (there.info.status, there.data.metrics) == ("RUNNING", {"val/auc": 0.8})
    run.log_metrics({"val/auc": 0.85, "test/auc": 0.9}, 1)
    run.finish("FINISHED")
    assert_same(uri, run)
    assert copy_of(uri, run)[1].inputs.dataset_inputs[0].dataset.name == "qg"
    assert store.connect().get_run(run.run_id).data.tags["synced"] == uri


def test_a_run_ends_well_without_its_server_and_is_sent_later(start, uri, capsys, caplog):
    nowhere = f"http://127.0.0.1:{free_port()}"
    run = start(nowhere, uri=nowhere)
    for epoch in range(3):
        run.log_metrics({"val/auc": 0.8 + epoch / 100}, epoch)
    run.finish("FINISHED")
    assert "nothing is listening there (connection refused)" in caplog.text
    assert "send it later: hepexp sync hepexp/" in caplog.text
    assert store.connect().get_run(run.run_id).info.status == "FINISHED"
    assert shell.main(["sync"]) == 1
    assert "1 of 1 runs were not sent; their records here are complete" in capsys.readouterr().err
    assert shell.main(["sync", "latest", "--uri", uri]) == 0
    assert f" on {uri}" in capsys.readouterr().out
    assert_same(uri, run)
    assert shell.main(["sync", run.run_id, "--uri", uri]) == 0  # nothing is there twice
    assert_same(uri, run)


def test_all_that_is_missing_is_sent_once(start, uri, capsys):
    runs = [start(uri, name) for name in ("a", "b")]
    for run in runs:
        run.log_metrics({"val/auc": 0.8}, 0)
        run.finish("FINISHED")
    assert shell.main(["sync"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 2
    for run in runs:
        assert_same(uri, run)
    assert shell.main(["sync"]) == 0
    assert "nothing to send" in capsys.readouterr().out


def test_a_child_finds_its_parent_and_a_registered_model_goes_along(start, uri):
    parent = start(uri, "sweep")
    child = start(uri, "trial", tags={"mlflow.parentRunId": parent.run_id})
    (child.artifacts / "model").mkdir(parents=True)
    (child.artifacts / "model" / "MLmodel").write_text("flavors: {}\n")
    for name in ("tagger", "other"):
        registry.register(child.client, child.run_id, name, Judgement("val/auc", 0.8, "max", "qg mini"))
    for run in (child, parent):
        run.finish("FINISHED")
        Remote(uri).push(run.run_id, whole=True)
    server, there = copy_of(uri, child)
    assert there.data.tags["mlflow.parentRunId"] == copy_of(uri, parent)[1].info.run_id
    version = server.get_model_version_by_alias("tagger", "best")
    assert (version.run_id, version.tags["value"]) == (there.info.run_id, "0.8")
    Remote(uri).push(child.run_id, whole=True)
    for name in ("tagger", "other"):
        assert len(server.search_model_versions(f"name='{name}'")) == 1


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("ftp://host", "must be the address of an MLflow server, http://HOST:PORT, got 'ftp://host'"),
        ("runs/mlflow.db", "for a local store elsewhere set"),
        ("https://me:secret@host", "must not hold a user or password; set MLFLOW_TRACKING_USERNAME"),
    ],
)
def test_what_is_no_address_is_refused_without_saying_a_password(address, message):
    with pytest.raises(ConfigError, match=message) as refused:
        check_uri(address)
    assert "secret" not in str(refused.value)


def test_what_answers_but_is_no_mlflow_server_is_named(start):
    import http.server
    import threading

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<html>a wiki</html>")

        do_POST = do_GET

        def log_message(self, *_):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Page) as page:
        threading.Thread(target=page.serve_forever, daemon=True).start()
        run = start(None)
        run.finish("FINISHED")
        with pytest.raises(HepexpError, match=f"MLflow server http://127.0.0.1:{page.server_port}: "):
            Remote(f"http://127.0.0.1:{page.server_port}").push(run.run_id, whole=True)
        page.shutdown()


def test_runs_that_are_sent_at_once_share_a_new_experiment(existing_store, uri, monkeypatch):
    runs = []
    for _ in range(4):
        run = MlflowRun.start("together", "pfn", {"seed": 1}, {}, RunFolder.create("together", "pfn").path)
        run.log_dataset("qg", {"source": "mini", "files": []})
        run.finish("FINISHED")
        runs.append(run)
    look, barrier = MlflowClient.get_experiment_by_name, Barrier(len(runs), timeout=60)

    def look_at_once(client, name):
        found = look(client, name)
        if found is None:
            barrier.wait()  # none makes the experiment before all have seen that there is none
        return found

    monkeypatch.setattr(MlflowClient, "get_experiment_by_name", look_at_once)
    with ThreadPoolExecutor(len(runs)) as pool:
        list(pool.map(lambda run: Remote(uri).push(run.run_id, whole=True), runs))
    server = MlflowClient(uri)
    there = server.search_runs([server.get_experiment_by_name("together").experiment_id])
    assert {run.data.tags["local_run_id"] for run in there} == {run.run_id for run in runs}
    assert [len(run.inputs.dataset_inputs) for run in there] == [1] * len(runs)
