"""`hepexp ui`: the MLflow user interface over this project's store, until Ctrl-C."""

import errno
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from argparse import RawDescriptionHelpFormatter
from collections.abc import Sequence
from tempfile import TemporaryFile
from typing import IO

import psutil

from hepexp.cli.parser import Parser
from hepexp.errors import ConfigError, HepexpError
from hepexp.tracking import relocation, schema_version, store, view, write_guard
from hepexp.tracking.lookup import database

DESCRIPTION = """\
Look at all runs in a browser: MLflow over this project's store, until Ctrl-C.

It prints an address for each experiment: its table of runs, with model, data, seed and test metrics as columns.
There:
  tick runs, then Compare                parameters and metrics side by side; "Show diff only"
  the curve symbol above the table       every metric over epochs, all runs in one figure
  the field above the table              params.model.name = 'pfn' and metrics.`test/auc` > 0.8
  the name of a run                      command, metrics with errors, published figures, plots, files
  + next to a sweep                      its trials

Runs on another machine: ssh -L 5000:127.0.0.1:5000 MACHINE, hepexp ui there, and the address here. A browser that
uses another name for this machine (a proxy, an alias) gets error 403 unless --allowed-hosts lists that name."""
HOST = "127.0.0.1, this machine only, by default; with 0.0.0.0 anyone who reaches this machine can delete runs"
ALLOWED = "further host names under which browsers may reach this server: plots.example.org,*.cluster.local"
NAME = r"(\[[0-9a-fA-F:]+\]|[\w.*-]*[\w-][\w.*-]*)(:(\d{1,5}|\*))?"  # of a host; * stands for anything, not alone
LOOPBACK = ("127.0.0.1", "localhost")
MOST_SHOWN = 8  # experiments on the terminal
BEST = ("best/val/auc", "best/val/loss")  # columns next to the test metrics in the table of runs: all that a sweep has
START_LIMIT = 60.0  # seconds until the server must answer; MLflow itself takes about 5
STOP_LIMIT = 5.0  # seconds that it gets to stop cleanly


class _NotStarted(Exception):
    """The server ended, or does not answer."""


def main(args: list[str]) -> int:
    """Start the server, print its address, and wait."""
    parser = Parser(prog="hepexp ui", description=DESCRIPTION, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("--host", default="127.0.0.1", help=HOST)
    parser.add_argument("--port", type=int, default=5000, help="5000 by default")
    parser.add_argument("--allowed-hosts", type=_names, default=[], metavar="NAME,...", help=ALLOWED)
    given = parser.parse_args(args)
    if not database().is_file():
        raise HepexpError(f"no runs yet: there is no {database()}; make one with hepexp train, or set HEPEXP_RUNS_DIR")
    write_guard.refuse_way_out(database())
    schema_version.check()
    try:
        relocation.rebase(database())
    except sqlite3.Error as error:
        print(f"hepexp: warning: if the runs folder was moved, some files may not be found: {error}", file=sys.stderr)
    _check_port(given.host, given.port)
    for ending in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # nothing may leave the server behind
        signal.signal(ending, _interrupt)
    with TemporaryFile() as log:
        # A server of its own session: Ctrl-C reaches us alone, and we stop it with all its workers.
        command, environment = (
            _command(given.host, given.port),
            _environment(given.host, given.port, given.allowed_hosts),
        )
        server = subprocess.Popen(command, env=environment, start_new_session=True, stdout=log, stderr=log)
        try:
            _wait_until_it_answers(server, given.host, given.port)
            everywhere = given.host == "0.0.0.0"
            experiments = _experiments(f"http://{'127.0.0.1' if everywhere else given.host}:{given.port}")
            address = f"http://{socket.gethostname() if everywhere else given.host}:{given.port}"
            print("\n".join(_words(address, experiments)), flush=True)
            server.wait()
            raise HepexpError(f"the MLflow server has ended: {_last_line(log)}")
        except _NotStarted as error:
            raise HepexpError(f"the MLflow server did not start: {_last_line(log) or error}") from error
        except KeyboardInterrupt:
            return 0
        finally:
            _stop(server)


def _experiments(address: str) -> list[view.Experiment]:
    """The experiments that have runs, each with its view; none where the store can only be read."""
    from hepexp.config.metrics import columns

    try:
        return view.install(address, [*columns(), *BEST])
    except HepexpError as error:
        print(f"hepexp: warning: the tables of runs show only MLflow's own columns: {error}", file=sys.stderr)
        return []


def _words(address: str, experiments: list[view.Experiment]) -> list[str]:
    rows = [(experiment.name, f"{address}/{experiment.page}") for experiment in experiments[:MOST_SHOWN]]
    width = max((len(name) for name, _ in rows), default=0)
    return [
        f"MLflow with the runs of {database().parent}: {address}/#/experiments?workflowType=machine_learning",
        *(f"  {name:<{width}}  {page}" for name, page in rows),
        "if MLflow opens on pages for language models, click 'Model training' at the top left, once",
        "Ctrl-C stops it",
    ]


def _command(host: str, port: int) -> list[str]:
    options = {
        "--backend-store-uri": store.uri(),
        "--artifacts-destination": store.artifacts().as_uri(),
        "--default-artifact-root": store.artifacts().as_uri(),
        "--host": host,
        "--port": str(port),
        "--workers": "1",
    }
    return [sys.executable, "-m", "mlflow", "server", *(part for option in options.items() for part in option)]


def _names(text: str) -> list[str]:
    """Names of hosts, separated by commas."""
    names = [name.strip() for name in text.split(",")]
    for name in names:
        if not re.fullmatch(NAME, name):
            raise ConfigError(
                f"--allowed-hosts must be host names, NAME or NAME:PORT, separated by commas, got {name!r}; give "
                "what the browser's address has between http:// and the next /"
            )
    return names


def _environment(host: str, port: int, allowed: Sequence[str] = ()) -> dict[str, str]:
    """The server's environment, which says whose requests it answers.

    Parameters
    ----------
    allowed : further names under which browsers may reach it; one without a port holds for every port.
    """
    # Looking at runs needs neither background jobs nor telemetry.
    mute = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    if host in LOOPBACK and not allowed:
        return os.environ | mute
    # MLflow refuses browsers that use a host name it does not know.
    names = []
    if host not in LOOPBACK:
        every = [entry for entries in psutil.net_if_addrs().values() for entry in entries]
        addresses = [entry.address for entry in every if entry.family == socket.AF_INET]
        names = [f"{name}:{port}" for name in dict.fromkeys([host, socket.gethostname(), socket.getfqdn(), *addresses])]
    extra = [form for name in allowed for form in ([name] if re.search(r":[\d*]+$", name) else [name, f"{name}:*"])]
    origins = [f"http://{name}" for name in [*names, *extra]] + [f"https://{name}" for name in extra]  # of a proxy
    known = {
        "MLFLOW_SERVER_ALLOWED_HOSTS": ",".join([*(f"{name}:*" for name in LOOPBACK), *names, *extra]),
        "MLFLOW_SERVER_CORS_ALLOWED_ORIGINS": ",".join(origins),
    }
    return os.environ | known | mute if allowed else known | os.environ | mute


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
