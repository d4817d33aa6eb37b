"""Which figures MLflow draws as a curve over epochs, and which as one value of the run.

A name is one or the other: a final value at the end of a curve would be a point that belongs to no epoch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

OF_THE_RUN = ("epoch", "train/seconds", "train/examples_per_second")  # the step itself, and sums over all epochs


def of_epoch(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of the history without what belongs to the whole run."""
    return {key: value for key, value in row.items() if key not in OF_THE_RUN}


def of_run(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """The numbers of metrics.json; validation figures, which are those of the best epoch, as `best/val/...`."""
    numbers = {key: value for key, value in metrics.items() if isinstance(value, int | float)}
    return {f"best/{key}" if key.startswith("val/") else key: value for key, value in numbers.items()}
