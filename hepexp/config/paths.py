"""Where configurations, runs and data live."""

import os
from pathlib import Path

import hepexp
from hepexp.errors import ConfigError


def conf_dir() -> Path:
    """The folder of the shipped configurations: beside the package in a checkout, inside it in a wheel.

    Raises
    ------
    ConfigError : neither folder exists, so the installation is incomplete.
    """
    package = Path(hepexp.__file__).resolve().parent
    for folder in (package / "conf", package.parent / "conf"):
        if (folder / "train.yaml").is_file():
            return folder
    raise ConfigError(f"no conf/train.yaml in or beside {package}; install hepexp again: pip install --force-reinstall")


def runs_dir() -> Path:
    """Where runs are written: `$HEPEXP_RUNS_DIR`, else `runs` in the working directory."""
    return Path(os.environ.get("HEPEXP_RUNS_DIR") or "runs")


def data_dir() -> Path:
    """Where data sets are kept: `$HEPEXP_DATA_DIR`, else `~/.cache/hepexp`."""
    return Path(os.environ.get("HEPEXP_DATA_DIR") or Path.home() / ".cache" / "hepexp").expanduser()


def store_dir() -> Path:
    """Where converted and simulated data are kept: `$HEPEXP_STORE_DIR`, else the data folder.

    A data folder that cannot be written, such as a shared disk, is left alone: `~/.cache/hepexp` takes its place.
    """
    if chosen := os.environ.get("HEPEXP_STORE_DIR"):
        return Path(chosen).expanduser()
    folder = data_dir()
    return folder if not folder.exists() or os.access(folder, os.W_OK) else Path.home() / ".cache" / "hepexp"
