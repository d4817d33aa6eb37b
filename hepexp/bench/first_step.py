"""`python -m hepexp.bench.first_step train ...`: run `hepexp train ...`, and exit after the first training step."""

import os
import runpy
from unittest.mock import patch

from hepexp.learning.module import ExperimentModule


def _end(*_: object) -> None:
    # Exit immediately, so that tests and figures are not included in the measurement.
    os._exit(0)


if __name__ == "__main__":
    with patch.object(ExperimentModule, "on_train_batch_end", _end):
        runpy.run_module("hepexp", run_name="__main__")
