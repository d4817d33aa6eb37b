"""`hepexp ui`: the MLflow user interface over this project's store, until Ctrl-C."""

import errno
import os
import signal
import socket
import subprocess
import sys
import time
from tempfile import TemporaryFile
from typing import IO

from hepexp.cli.help import Parser
from hepexp.errors import ConfigError, HepexpError
from hepexp.tracking import schema_version, store
from hepexp.tracking.lookup import database

HELP = "look at all runs in a browser (MLflow)"
START_LIMIT = 60.0  # seconds until the server must answer; MLflow itself takes about 5
STOP_LIMIT = 5.0  # seconds that it gets to stop by itself


class _NotStarted(Exception):
    """The server ended, or does not answer."""


def main(args: list[str]) -> int:
    """Start the server, print its address, and wait."""
    parser = Parser(prog="hepexp ui", description=HELP)
    parser.add_argument("--host", default="127.0.0.1", help="127.0.0.1, this machine only, by default")
    parser.add_argument("--port", type=int, default=5000, help="5000 by default")
    given = parser.parse_args(args)
    if not database().is_file():
        raise HepexpError(f"no runs yet: there is no {database()}; make one by hepexp train, or set HEPEXP_RUNS_DIR")
    _check_port(given.host, given.port)
    for ending in (signal.SIGTERM, signal.SIGHUP):  # as Ctrl-C: nothing may leave the server behind
        signal.signal(ending, _interrupt)
    with TemporaryFile() as log:
        # A server of its own session: Ctrl-C reaches us alone, and we stop it with all its workers.
        server = subprocess.Popen(
            _command(given.host, given.port), env=_environment(), start_new_session=True, stdout=log, stderr=log
        )
        try:
            _wait_until_it_answers(server, given.host, given.port)
            address = f"http://{given.host}:{given.port}"
            print(f"MLflow with the runs of {database().parent}: {address}", flush=True)
            # MLflow 3 opens on its pages for language models; this address opens those for trainings
            print(f"the table of runs: {address}/#/experiments?workflowType=machine_learning", flush=True)
            print("Ctrl-C ends it", flush=True)
            server.wait()
            raise HepexpError(f"the MLflow server has ended: {_last_line(log)}")
        except _NotStarted as error:
            if "out-of-date database schema" in _last_line(log):
                raise HepexpError(f"the MLflow store {database()} {schema_version.advice()}") from error
            raise HepexpError(f"the MLflow server did not start: {_last_line(log) or error}") from error
        except KeyboardInterrupt:
            return 0
        finally:
            _stop(server)


def _command(host: str, port: int) -> list[str]:
    options = {
        "--backend-store-uri": store.uri(),
        "--artifacts-destination": str(store.artifacts()),
        "--default-artifact-root": str(store.artifacts()),
        "--host": host,
        "--port": str(port),
        "--workers": "1",
    }
    return [sys.executable, "-m", "mlflow", "server", *(part for option in options.items() for part in option)]


def _environment() -> dict[str, str]:
    # Background jobs and telemetry are not for looking at runs.
    return os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}


def _check_port(host: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OverflowError as error:
            raise ConfigError(f"--port must be between 1 and 65535, got {port}") from error
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise HepexpError(f"cannot listen on {host}:{port}: {error.strerror}") from error
            raise HepexpError(f"port {port} on {host} is taken; choose another: hepexp ui --port {port + 1}") from error


def _wait_until_it_answers(server: subprocess.Popen, host: str, port: int) -> None:
    deadline = time.monotonic() + START_LIMIT
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise _NotStarted(f"exit code {server.returncode}")
        try:
            socket.create_connection((host, port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.1)
    raise _NotStarted(f"no answer on {host}:{port} in {START_LIMIT:.0f} s")


def _stop(server: subprocess.Popen) -> None:
    """End the server and its workers, politely first; they are its process group."""
    for ending in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(server.pid, ending)
            server.wait(STOP_LIMIT)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            pass


def _last_line(log: IO[bytes]) -> str:
    log.seek(0)
    lines = [line.strip() for line in log.read().decode(errors="replace").splitlines()]
    return next((line for line in reversed(lines) if line), "")


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt
