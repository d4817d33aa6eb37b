"""The command in the process of the tests, in a folder whose runs several of them share.

Imports and a new MLflow store take longer than a small training.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from hepexp.tracking.run_folder import RunFolder


@contextmanager
def working_in(folder: Path) -> Iterator[pytest.MonkeyPatch]:
    """Work in a folder that has its own data, whatever the environment says."""
    with pytest.MonkeyPatch.context() as patch:
        for key in [key for key in os.environ if key.startswith("HEPEXP_")]:
            patch.delenv(key)
        patch.setenv("HEPEXP_DATA_DIR", str(folder / "data"))
        patch.chdir(folder)
        yield patch


def run_named(folder: Path, name: str) -> RunFolder:
    """The run that was trained in a folder with name=NAME."""
    return RunFolder(next((folder / "runs" / "hepexp").glob(f"*_{name}")))


def diverged(run: RunFolder, weight: str, path: Path) -> str:
    """A copy of the run's best checkpoint in which the first weight with these letters in its name is NaN."""
    spoilt = torch.load(run.best, weights_only=True)
    name = next(name for name in spoilt["state_dict"] if weight in name)
    spoilt["state_dict"][name].fill_(float("nan"))
    torch.save(spoilt, path)
    return str(path)
