"""The real command in a folder, for tests whose runs several of them share."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.commands import forked

SMALL = ("model=pfn", "data=qg", "dataset.n_train=512", "dataset.n_val=200", "dataset.n_test=300", "trainer=quick")


def command(folder: Path, *words: str, **variables: str) -> dict:
    """Arguments of subprocess for `hepexp WORDS` in a folder."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("HEPEXP_")}
    environment |= {"OMP_NUM_THREADS": "1", "HEPEXP_DATA_DIR": str(folder / "data"), **variables}
    return {"args": [sys.executable, "-m", "hepexp", *words], "cwd": folder, "env": environment, "text": True}


def hepexp(folder: Path, *words: str, timeout: float = 300, **variables: str) -> subprocess.CompletedProcess:
    """Run it to its end, in a process that need not import the libraries anew."""
    known = command(folder, *words, **variables)
    return forked.run(list(words), known["cwd"], known["env"], timeout)


def started(folder: Path, *words: str, timeout: float = 300, **variables: str) -> subprocess.CompletedProcess:
    """Run it to its end as a shell does, where the start of Python matters: its path, or processes of its own."""
    return subprocess.run(**command(folder, *words, **variables), capture_output=True, timeout=timeout, check=False)


def one_line(result: subprocess.CompletedProcess, code: int) -> str:
    """The message of a command that must fail with this code, in one line and without a traceback."""
    assert result.returncode == code, result.stderr
    assert "Traceback" not in result.stderr + result.stdout
    lines = [line for line in result.stderr.splitlines() if line.startswith("hepexp: error:")]
    assert len(lines) == 1, result.stderr
    return lines[0]
