"""The only place that imports escnn, whose requirements conflict with ours."""

from __future__ import annotations

import sys
import warnings
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

from hepexp.config.paths import store_dir
from hepexp.errors import ConfigError

VERSION = "1.0.11"
INSTALL = f"make setup, or pip install --no-deps escnn=={VERSION} joblib pymanopt autograd"
HELPERS = ("joblib", "pymanopt", "autograd")  # what escnn imports for planar groups, besides what hepexp requires


def folder() -> Path:
    """The folder in which bases of kernels are cached."""
    return store_dir() / "escnn"


def require_escnn() -> None:
    """Raise if escnn or a package that it imports is missing, without importing any.

    Raises
    ------
    ConfigError : one is not installed; the message says how to.
    """
    for package in ("escnn", *HELPERS):
        if find_spec(package) is None:
            raise ConfigError(f"{package} is not installed; {INSTALL}")


def import_escnn() -> ModuleType:
    """escnn, with its modules `gspaces` and `nn`.

    escnn imports lie_learn and py3nj, which planar groups do not use, and a function of scikit-learn that now refuses
    its matrices, though it can do without. Stand-ins are supplied here, before and after its import.

    Raises
    ------
    ConfigError : escnn or a package that it imports is not installed.
    """
    require_escnn()
    _stand_in_for_lie_learn()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*py3nj")
        import escnn
        import escnn.group._numerical
        import escnn.gspaces
        import escnn.nn
    escnn.group._numerical.randomized_svd = None  # it then uses its own fallback
    return escnn


def _stand_in_for_lie_learn() -> None:
    """Stand-ins under the names that escnn imports, for modules that are not installed."""
    if "lie_learn" in sys.modules or find_spec("lie_learn") is not None:
        return
    path = ["lie_learn", "representations", "SO3", "wigner_d"]
    for depth in range(1, len(path) + 1):
        module = ModuleType(".".join(path[:depth]))
        sys.modules[module.__name__] = module
    vars(module)["wigner_D_matrix"] = _no_wigner_d


def _no_wigner_d(*args: object, **keys: object) -> None:
    raise NotImplementedError("rotations in three dimensions need lie_learn, which is not installed")
