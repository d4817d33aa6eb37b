"""What a comparison reads of one run."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from hepexp import regular_file
from hepexp.config import metrics
from hepexp.config.content import content_of
from hepexp.config.expected import Expected, recorded
from hepexp.config.nested import flatten
from hepexp.config.paths import runs_dir
from hepexp.config.record import completed
from hepexp.errors import DataError
from hepexp.evaluation.predictions import Predictions, check_schema, is_of_classifier, read_predictions
from hepexp.evaluation.published_figures import Conditions
from hepexp.metric import ERROR, NOTE
from hepexp.tracking.run_folder import RunFolder

# what may differ between two trainings of one setting: the seed, and what they are called
SEED, NAMES = "seed", ("name", "tags", "experiment", "tracking", "expected")
# nor do figures depend on which others are computed beside them
BESIDE = ("choices.evaluation", "evaluation._target_", "evaluation.metrics", "evaluation.working_points")
USUAL = {"evaluation.background": None, "evaluation.weighted": True}
ROUNDING = 1e-5  # of single precision, added up
IDLE = ("trainer.progress", "trainer.checkpoint_minutes", "dataset.num_workers")  # no figure depends on them


def decisive(config: Mapping[str, Any]) -> dict[str, Any]:
    """What figures depend on, of a flat config, but for the seed."""
    own = {k: v for k, v in config.items() if k not in (SEED, *IDLE) and k.split(".")[0] not in NAMES}
    return {k: v for k, v in own.items() if not k.startswith(BESIDE) and not (k in USUAL and v == USUAL[k])}


@dataclass(frozen=True)
class Record:
    """A run folder, read once."""

    folder: RunFolder

    @cached_property
    def config(self) -> dict[str, Any]:
        """The resolved config, flat."""
        return flatten(completed(content_of(self.folder.config)))

    @cached_property
    def metrics(self) -> dict[str, Any]:
        return self.folder.metrics

    @cached_property
    def predictions(self) -> Predictions:
        return read_predictions(self.folder.predictions)

    @cached_property
    def history(self) -> list[dict[str, Any]]:
        """A row an epoch; none for a run that trained nothing."""
        return self.folder.history

    @property
    def reads_data(self) -> bool:
        """Whether its examples have content; those of samplers and circuits have none."""
        return (self.folder.environment.get("data") or {}).get("source") != "none"

    @cached_property
    def tested(self) -> tuple[int, str]:
        """How many examples were tested, and a digest of their rows and labels; (0, "") where none were recorded.

        Raises
        ------
        DataError : predictions.parquet cannot be read.
        """
        regular_file.check(self.folder.predictions)
        try:
            schema = pq.read_schema(self.folder.predictions)
            named = {"index", "label"} & set(schema.names)
            if "index" not in named:
                return 0, ""  # amplitudes of circuits, which belong to no example
            if is_of_classifier(schema):
                check_schema(self.folder.predictions, schema)
            if odd := [name for name in sorted(named) if not pa.types.is_integer(schema.field(name).type)]:
                raise DataError(f"{self.folder.predictions}: column {odd[0]} must hold whole numbers")
            table = pq.read_table(
                self.folder.predictions, columns=sorted(named), page_checksum_verification=True
            ).sort_by("index")
        except FileNotFoundError:
            return 0, ""
        except (OSError, ValueError, KeyError) as error:
            reason = str(error).splitlines()[0]
            raise DataError(f"{self.folder.predictions} is not a predictions file: {reason}") from error
        digest = hashlib.sha256()
        for name in table.column_names:
            if name == "label" and table[name].null_count == len(table):
                continue  # records of what has no class had such a column once
            digest.update(table[name].fill_null(-1).to_numpy().tobytes())
        return table.num_rows, digest.hexdigest()[:8]

    def check(self) -> None:
        """Read what every comparison reads.

        Raises
        ------
        HepexpError : a file is missing, cut, damaged, or not what its name says.
        """
        if not isinstance(self.config.get(SEED), int) or not {"model", "dataset"} <= self.choices.keys():
            raise DataError(f"{self.path / 'config.yaml'} is not the config of a run: it lacks seed or choices")
        _ = self.tested, self.folder.environment, self.folder.overrides, self.history
        self._check_range(self.metrics, "metrics.json")
        for row in self.history:
            self._check_range(row, "history.json")

    def _check_range(self, figures: Mapping[str, Any], name: str) -> None:
        """Refuse a figure outside the range that its metric declares; rounding may exceed it a little.

        So may estimates from weights of either sign: an area under a curve above 1 is no damage then.
        """
        if self.config.get("dataset.weight") is not None:
            return
        for key, value in figures.items():
            metric = metrics.find(key, self.config.get("loss._target_"))
            if metric is None or key.endswith((ERROR, NOTE)) or not isinstance(value, int | float):
                continue
            low, high = metric.limits
            if not low - ROUNDING * max(1, abs(low)) <= value <= high + ROUNDING * max(1, abs(high)):
                raise DataError(f"{self.path / name}: {key} is {value:g}, which is impossible; expected {metric.range}")

    @property
    def path(self) -> Path:
        return self.folder.path

    @property
    def seed(self) -> int:
        return self.config[SEED]

    @property
    def choices(self) -> dict[str, str]:
        """The option of each group that says what was trained."""
        known = {key.removeprefix("choices."): v for key, v in self.config.items() if key.startswith("choices.")}
        return {group: option for group, option in known.items() if group != "evaluation"}

    @cached_property
    def expected(self) -> Expected:
        """Published figures with their sources, and exact ones."""
        return recorded(content_of(self.folder.config).get("expected"))

    @property
    def conditions(self) -> Conditions:
        """What decides whether published figures may be compared with those of the run."""
        config = content_of(self.folder.config)
        return Conditions.of(config, self.folder.environment, self.metrics, self.folder.overrides)

    @property
    def time(self) -> str:
        """When it was started, as text that sorts: the time in the record, else that in the folder's name."""
        return str(self.folder.environment.get("time") or self.path.name)

    @cached_property
    def settings(self) -> dict[str, Any]:
        """What the figures of the run depend on, but for the seed.

        Weights that came from the run of another task are described by the settings of that run, so that seeds of a
        chain of tasks are seeds of one setting.
        """
        own = decisive(self.config)
        for key in self.folder.environment.get("needs") or {}:
            file = (runs_dir() / str(own.get(key))).resolve()  # checkpoints/best.ckpt of that run
            source = RunFolder(file.parent.parent)
            if key in own and source.path != self.path and (source.path / "config.yaml").is_file():
                own |= {f"{key}.{name}": value for name, value in Record(source).settings.items()}
                del own[key]
        return own
