"""How long a user waits: for `hepexp --help`, and from the command to the end of the first training step."""

import os
import subprocess
import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

from hepexp.errors import HepexpError

FIRST_STEP = ["train", "trainer=quick", "dataset.source=mini", "dataset.n_train=128"]
# case -> (words after `python -m`, repeats)
COMMANDS = {
    "--help": (["hepexp", "--help"], 9),
    "first-step": (["hepexp.bench.first_step", *FIRST_STEP], 3),
}


def rows() -> list[dict]:
    """Medians over starts, each in a new process; the first one, which fills the disk cache, is not counted."""
    return [
        {"case": f"start {name}", "implementation": "hepexp", "per_second": 1 / _seconds(*command)}
        for name, command in COMMANDS.items()
    ]


def _seconds(words: list[str], repeats: int) -> float:
    with TemporaryDirectory() as runs:
        return median([_once(words, Path(runs)) for _ in range(repeats + 1)][1:])


def _once(words: list[str], runs: Path) -> float:
    """Seconds from the start of the process to its end.

    Raises
    ------
    HepexpError : the command failed.
    """
    environment = os.environ | {"HEPEXP_RUNS_DIR": str(runs)}
    start = perf_counter()
    done = subprocess.run([sys.executable, "-m", *words], env=environment, capture_output=True, text=True, check=False)
    seconds = perf_counter() - start
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no message"]
        raise HepexpError(f"{' '.join(words)} ended with exit code {done.returncode}: {lines[-1]}")
    return seconds
