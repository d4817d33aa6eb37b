"""Names that become folders under runs/, and tags in MLflow."""

import posixpath
import re

from hepexp.config.paths import runs_dir
from hepexp.errors import ConfigError

RESERVED = ("data", "latest", "mlartifacts", "mlflow.db", "sweeps", "sweeps.db")  # what else lies in runs/
LONGEST = 120  # bytes; with the time and a number it still fits into the 255 of a file name


def check_folder(key: str, value: str) -> None:
    """Raise ConfigError for the name of an experiment or a run that cannot be the name of a folder."""
    if key == "experiment" and value.casefold() in RESERVED:
        raise ConfigError(f"experiment={value} is reserved: {runs_dir() / value} is not for runs; choose another name")
    if not re.fullmatch(r"[\w.,=+-]+", value) or len(value.encode()) > LONGEST or value.startswith("."):
        raise ConfigError(f"{key} must be letters, digits and . , = + - _ (at most {LONGEST}), got {value!r}")


def check_tag(name: object) -> None:
    """Raise ConfigError for the name of a tag that MLflow would refuse once the run has begun."""
    is_path = isinstance(name, str) and posixpath.normpath(name) == name and not name.startswith(("/", "."))
    if not is_path or not re.fullmatch(r"[\w./: -]{1,250}", name):
        raise ConfigError(f"tags: a name must be letters, digits and . / : - _ (at most 250), got {name!r}")
