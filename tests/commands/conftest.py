"""Run the real command, as a user does, in an empty folder."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

Command = Callable[..., subprocess.CompletedProcess]


@pytest.fixture
def hepexp(tmp_path: Path) -> Command:
    """`hepexp("train", "model=pfn")` runs it and returns what it printed and its exit code."""

    def run(*words: str, timeout: float = 300, **variables: str) -> subprocess.CompletedProcess:
        environment = {key: value for key, value in os.environ.items() if not key.startswith("HEPEXP_")}
        environment |= {"OMP_NUM_THREADS": "1", "HEPEXP_DATA_DIR": str(tmp_path / "data"), **variables}
        return subprocess.run(
            [sys.executable, "-m", "hepexp", *words],
            cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=timeout, check=False,
        )  # fmt: skip

    return run
