"""The command in a process of its own, forked from one that has imported torch, Lightning and MLflow already.

These imports take ten seconds of a processor, most commands less than two. Streams, exit code, environment and working
directory are those of a process of its own. What Python reads as it starts is not, such as PYTHONPATH, and trainings
are lean.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.lean import be_lean, empty_store

_server = multiprocessing.get_context("forkserver")
_server.set_forkserver_preload(
    [
        "alembic.command",
        "hepexp.cli.data",
        "hepexp.cli.evaluate",
        "hepexp.cli.hydra_app",
        "hepexp.cli.predict",
        "hepexp.data.loading.jet_datamodule",
        "hepexp.evaluation.evaluators.classification",
        "hepexp.learning.experiment",
        "hepexp.learning.multirun",
        "matplotlib.backends.backend_agg",
        "mlflow.store.model_registry.sqlalchemy_store",
        "mlflow.store.tracking.sqlalchemy_store",
        "mlflow.tracking",
        "sqlalchemy.dialects.sqlite",
    ]
)


def run(words: list[str], cwd: Path, env: dict[str, str], timeout: float) -> subprocess.CompletedProcess:
    """Like subprocess.run of `hepexp WORDS` with captured text."""
    with tempfile.TemporaryDirectory() as folder:
        streams = [Path(folder) / name for name in ("stdout", "stderr")]
        process = _server.Process(target=_become, args=(words, cwd, env, streams, empty_store()))
        process.start()
        process.join(timeout)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired(words, timeout)
        return subprocess.CompletedProcess(words, process.exitcode, *(stream.read_text() for stream in streams))


def _become(words: list[str], cwd: Path, env: dict[str, str], streams: list[Path], store: Path) -> None:
    """Run the command in this process, which is there for nothing else."""
    import torch

    for number, stream in enumerate(streams, 1):
        os.dup2(os.open(stream, os.O_WRONLY | os.O_CREAT | os.O_APPEND), number)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    sys.argv = ["hepexp", *words]
    torch.set_num_threads(int(env["OMP_NUM_THREADS"]))
    be_lean(pytest.MonkeyPatch(), store)
    from hepexp.__main__ import run

    sys.exit(run())
