"""Where the real samples are, for the tests that read them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def sample(name: str) -> Path:
    """A file of the folder of real samples; the test that asks for it is skipped where it is absent."""
    folder = os.environ.get("HEPEXP_SAMPLES")
    if not folder:
        pytest.skip("HEPEXP_SAMPLES is not set")
    path = Path(folder) / name
    if not path.is_file():
        pytest.skip(f"{path} is absent")
    return path
