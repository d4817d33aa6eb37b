"""Which process writes to an MLflow run, and whether it still lives."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping

import psutil


def process_tags() -> dict[str, str]:
    """Tags that identify this process: host, pid, and its start time in seconds, as pids are reused."""
    return {
        "host": socket.gethostname(),
        "pid": str(os.getpid()),
        "pid_started": f"{psutil.Process().create_time():.2f}",
    }


def origin_tags() -> dict[str, str]:
    """The user and the source of a run, for MLflow's own columns."""
    return {"mlflow.user": psutil.Process().username(), "mlflow.source.name": "hepexp", "mlflow.source.type": "LOCAL"}


def is_dead(tags: Mapping[str, str]) -> bool:
    """Whether the process named by `process_tags` ran on this host and has ended."""
    if tags.get("host") != socket.gethostname() or "pid" not in tags:
        return False
    try:
        process = psutil.Process(int(tags["pid"]))
        if process.status() == psutil.STATUS_ZOMBIE:
            return True
        # The boot time may be corrected slightly; a pid is not reused within a second.
        return abs(process.create_time() - float(tags.get("pid_started", "nan"))) > 1.0
    except psutil.NoSuchProcess:
        return True
    except (psutil.AccessDenied, ValueError):  # another user's; or no process, in a tag of a stranger
        return False


def lives_beside_us(tags: Mapping[str, str]) -> bool:
    """Whether the process named by `process_tags` is another one on this host, and alive."""
    is_here = tags.get("host") == socket.gethostname() and "pid" in tags
    return is_here and tags["pid"] != str(os.getpid()) and not is_dead(tags)
