"""What a run was made with: code, packages, machine, command. Collected once, for environment.json and MLflow."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shlex
import socket
import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil

from hepexp.tracking.git import checkout_state

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
SECRET = ("HEPEXP_SWEEP_STORAGE",)  # an address with a password


def environment() -> dict[str, Any]:
    """Everything that one needs to know about a run besides its config.

    Returns
    -------
    JSON values: `time` (ISO, with zone), `command`, `directory`, `python`, `platform`, `host`, `git` (state of the
    checkout that holds hepexp, null for an installed wheel), `packages` (version per name), `hardware`, `variables`.
    """
    return {
        "time": datetime.now().astimezone().isoformat(timespec="seconds"),
        "command": f"{Path(sys.argv[0]).name} {shlex.join(sys.argv[1:])}",
        "directory": os.getcwd(),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "host": socket.gethostname(),
        "git": checkout_state(),
        "packages": _versions(),
        "hardware": _hardware(),
        "variables": _variables(),
    }


def _variables() -> dict[str, str]:
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


def _hardware() -> dict[str, Any]:
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
