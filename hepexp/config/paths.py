"""Where things are: the shipped configs, the runs, the data."""

from __future__ import annotations

import os
from pathlib import Path

import hepexp


def conf_dir() -> Path:
    """The folder of YAML groups: hepexp/conf in an installed wheel, conf/ beside the package in a checkout."""
    package = Path(hepexp.__file__).parent
    installed = package / "conf"
    return installed if installed.is_dir() else package.parent / "conf"


def runs_dir() -> Path:
    """$HEPEXP_RUNS_DIR, or ./runs: everything that runs write."""
    return Path(os.environ.get("HEPEXP_RUNS_DIR") or "runs")


def data_dir() -> Path:
    """$HEPEXP_DATA_DIR, or ~/.cache/hepexp: the published data files."""
    configured = os.environ.get("HEPEXP_DATA_DIR")
    return Path(configured).expanduser() if configured else Path.home() / ".cache" / "hepexp"
