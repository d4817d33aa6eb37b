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
    """Where runs are written: `$HEPEXP_RUNS_DIR`, or `runs` in the working directory."""
    return Path(os.environ.get("HEPEXP_RUNS_DIR") or "runs")


def cache_dir() -> Path:
    """The user's own folder for data, `~/.cache/hepexp`.

    Raises
    ------
    ConfigError : the user has no home folder, as in some containers.
    """
    try:
        return Path.home() / ".cache" / "hepexp"
    except RuntimeError:
        raise ConfigError(
            "this user has no home folder; set HEPEXP_DATA_DIR, and HEPEXP_STORE_DIR if that cannot be written"
        ) from None


def data_dir() -> Path:
    """Where data sets are kept: `$HEPEXP_DATA_DIR`, or `~/.cache/hepexp`."""
    chosen = os.environ.get("HEPEXP_DATA_DIR")
    return Path(os.path.expanduser(chosen)) if chosen else cache_dir()


def store_dir(data_set: str = "") -> Path:
    """Where converted and simulated data are kept: `$HEPEXP_STORE_DIR`, or the data folder.

    A data folder that cannot be written, such as a shared disk, is replaced by `~/.cache/hepexp`.

    Parameters
    ----------
    data_set : data set to which the files belong; its own folder may be someone else's even if the data folder is not.
    """
    if chosen := os.environ.get("HEPEXP_STORE_DIR"):
        return Path(os.path.expanduser(chosen))
    folder = data_dir()
    return folder if is_writable(folder / data_set) else cache_dir()


def is_writable(folder: Path) -> bool:
    """Whether files can be created in a folder, which is itself created if it does not exist."""
    folder = folder.absolute()
    while not os.path.lexists(folder) and folder != folder.parent:
        folder = folder.parent
    return os.path.isdir(folder) and os.access(folder, os.W_OK | os.X_OK)
