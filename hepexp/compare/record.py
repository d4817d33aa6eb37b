"""What a comparison reads of one run."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from hepexp.config.expected import Expected, recorded
from hepexp.evaluation.conditions import Conditions
from hepexp.evaluation.predictions import Predictions, read_predictions
from hepexp.tracking.parameters import flatten
from hepexp.tracking.run_folder import RunFolder

# what two trainings that differ only by chance, or by what they are called, may have different
SEED, NAMES = "seed", ("name", "tags", "experiment", "tracking", "expected")


@dataclass(frozen=True)
class Record:
    """A run folder, read once."""

    folder: RunFolder

    @cached_property
    def config(self) -> dict[str, Any]:
        """The resolved config, flat."""
        return flatten(OmegaConf.to_container(self.folder.config))

    @cached_property
    def metrics(self) -> dict[str, Any]:
        return self.folder.metrics

    @cached_property
    def predictions(self) -> Predictions:
        return read_predictions(self.folder.predictions)

    @cached_property
    def history(self) -> list[dict[str, Any]]:
        """A row an epoch; none for a run that trained nothing."""
        file = self.folder.path / "history.json"
        return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else []

    @property
    def path(self) -> Path:
        return self.folder.path

    @property
    def seed(self) -> int:
        return self.config[SEED]

    @property
    def choices(self) -> dict[str, str]:
        """The option of each group."""
        return {key.removeprefix("choices."): v for key, v in self.config.items() if key.startswith("choices.")}

    @cached_property
    def expected(self) -> Expected:
        """Published figures with their sources, and exact ones."""
        return recorded(OmegaConf.to_container(self.folder.config).get("expected"))

    @property
    def conditions(self) -> Conditions:
        """What decides whether published figures may be compared with those of the run."""
        config = OmegaConf.to_container(self.folder.config)
        typed = self.folder.overrides if (self.path / "overrides.yaml").is_file() else []
        return Conditions.of(config, self.folder.environment, self.metrics, typed)

    @property
    def settings(self) -> dict[str, Any]:
        """What the figures of the run depend on, but for the seed."""
        return {k: v for k, v in self.config.items() if k != SEED and k.split(".")[0] not in NAMES}
