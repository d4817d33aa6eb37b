"""What a run was made with: code, packages, machine, command. Collected once, for environment.json and MLflow."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shlex
import socket
import subprocess
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil

import hepexp

PACKAGES = (
    "hepexp",
    "torch",
    "pytorch-lightning",
    "torchmetrics",
    "torch-geometric",
    "pennylane",
    "hydra-core",
    "omegaconf",
    "mlflow",
    "numpy",
    "scipy",
    "scikit-learn",
    "pyarrow",
    "h5py",
    "awkward",
    "fastjet",
    "pythia8mc",
    "matplotlib",
    "mplhep",
)
VARIABLES = ("CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS", "SLURM_JOB_ID", "SLURM_ARRAY_TASK_ID")
MAX_DIFF = 1_000_000  # characters; a longer diff means a data file added by mistake
SECRET = ("HEPEXP_SWEEP_STORAGE",)  # an address with a password


def environment(overrides: Sequence[str]) -> dict[str, Any]:
    """Everything that one needs to know about a run besides its config.

    Parameters
    ----------
    overrides : of the run.

    Returns
    -------
    JSON values: `time` (ISO, with zone), `command`, `directory`, `python`, `platform`, `host`, `git` (state of the
    checkout that holds hepexp, null for an installed wheel), `packages` (version per name), `hardware`, `variables`.
    """
    return {
        "time": datetime.now().astimezone().isoformat(timespec="seconds"),
        "command": _command(overrides),
        "directory": os.getcwd(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "host": socket.gethostname(),
        "git": checkout_state(),
        "packages": _versions(),
        "hardware": hardware(),
        "variables": variables(),
    }


def _command(overrides: Sequence[str]) -> str:
    """What was typed; in a process that a launcher or a sweep started, the command that repeats this run alone."""
    typed = sys.argv[1:] if sys.argv[1:2] == ["train"] else ["train", *overrides]
    return shlex.join(["hepexp", *typed])


def variables() -> dict[str, str]:
    """The environment variables that matter to a run, without passwords."""
    names = [name for name in sorted(os.environ) if name.startswith("HEPEXP_") or name in VARIABLES]
    return {name: os.environ[name] for name in names if name not in SECRET}


def _versions() -> dict[str, str]:
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue  # an optional package
    return versions


def hardware() -> dict[str, Any]:
    """The processor, its cores and threads, memory in GiB, and the GPUs if torch has been imported."""
    return {
        "cpu": _cpu_model(),
        "cores": psutil.cpu_count(logical=False),
        "threads": psutil.cpu_count(),
        "usable_threads": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else psutil.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "gpus": _gpus(),
    }


def _cpu_model() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass  # not Linux
    return platform.processor() or platform.machine()


def _gpus() -> list[dict[str, Any]] | None:
    """GPUs that torch sees; None when torch is not imported, as importing it only to count them costs seconds."""
    torch = sys.modules.get("torch")
    if torch is None:
        return None
    if not torch.cuda.is_available():
        return []
    devices = [torch.cuda.get_device_properties(i) for i in range(torch.cuda.device_count())]
    return [{"name": d.name, "memory_gib": round(d.total_memory / 2**30, 1)} for d in devices]


def version(package: Path | None = None) -> str:
    """The version of hepexp; in a checkout also its commit, and whether files differ from it."""
    state = checkout_state(package)
    if state is None:
        return hepexp.__version__
    return f"{hepexp.__version__}, commit {state['sha'][:10]}{', with uncommitted changes' if state['dirty'] else ''}"


def checkout_state(package: Path | None = None) -> dict[str, Any] | None:
    """The state of the git checkout that holds the package.

    Returns
    -------
    `sha` of HEAD, `dirty`, `diff` against HEAD (text, cut after 10^6 characters with a last line that says so),
    `untracked` (names); None for an installed wheel, and where git does not run.
    """
    package = Path(hepexp.__file__).parent if package is None else package
    # A wheel in a virtual environment inside another repository is no checkout of hepexp: HEAD must hold the package.
    sha = _git(package, "rev-parse", "HEAD")
    if sha is None or not _git(package, "ls-tree", "--name-only", "HEAD", "__init__.py"):
        return None
    diff = _git(package, "diff", "HEAD", "--no-ext-diff", "--no-color") or ""
    untracked = (_git(package, "ls-files", "--others", "--exclude-standard", "--full-name", ":/") or "").splitlines()
    if len(diff) > MAX_DIFF:
        diff = f"{diff[:MAX_DIFF]}\n(cut here: the diff has {len(diff)} characters)\n"
    return {"sha": sha.strip(), "dirty": bool(diff or untracked), "diff": diff, "untracked": untracked}


def _git(folder: Path, *arguments: str) -> str | None:
    # Without optional locks: jobs that start together must not fight over the index of the checkout.
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
    try:
        result = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, timeout=20, check=True, env=environment
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return result.stdout.decode("utf-8", errors="replace")
