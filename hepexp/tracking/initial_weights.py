"""Keys for a file of weights, such as `model.weights`, whose value may name a run: its best checkpoint is the file."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from hashlib import file_digest
from pathlib import Path
from typing import Any

from hepexp.config.annotations import TARGET
from hepexp.errors import ConfigError
from hepexp.tracking import found_metric
from hepexp.tracking.lookup import label
from hepexp.tracking.run_folder import RunFolder, named_run

KEY = "weights"  # of a model, or of a model inside it


def keys(model: Mapping[str, Any], at: str = "model") -> Iterator[tuple[str, str]]:
    """Each key of a model, and of the models inside it, that has a file of weights, and its value."""
    for name, value in model.items():
        if isinstance(value, Mapping):
            yield from keys(value, f"{at}.{name}")
        elif name == KEY and TARGET in model and isinstance(value, str):
            yield f"{at}.{name}", value


def file_of(value: str, key: str) -> str:
    """The file that a value names: the best checkpoint of a run, relative to runs/, which can be moved, or the value.

    A run is a run folder, an MLflow run id, `latest`, or `models:/NAME@ALIAS`.

    Raises
    ------
    ConfigError : there is no such run, or it has no checkpoint.
    """
    run = named_run(value, key)
    if run is None:
        return value
    if not run.best.is_file():
        raise ConfigError(f"{key}: {run.label} has no checkpoints/best.ckpt; it has trained nothing so far")
    return label(run.best)


def pinned(words: list[str]) -> list[str]:
    """Overrides in which `latest` and `models:/...` are files or, for a metric, run folders: the same for all jobs."""

    def pin(word: str) -> str:
        typed, equals, values = word.partition("=")
        key = typed.lstrip("+")
        if not is_key(key) and key != found_metric.KEY:
            return word
        listed = re.fullmatch(r"choice\((.*)\)", values)
        texts = [text.strip("'\" ") for text in (listed[1] if listed else values).split(",")]
        return f"{typed}{equals}{','.join(pinned_values(key, texts))}"

    return [pin(word) for word in words]


def pinned_files(words: list[str], model: Mapping[str, Any]) -> list[str]:
    """The overrides of jobs, with those that pin the runs which files of `conf/` name as weights.

    Parameters
    ----------
    words : overrides, whose own runs are pinned.
    model : composed from them; where models or tasks are varied, each job finds the weights of its own.
    """
    if any(re.match(r"(model|task)=.*,", word) for word in words):
        return words
    typed = {word.partition("=")[0].lstrip("+") for word in words}
    found = {key: (value, file_of(value, key)) for key, value in keys(model) if key not in typed}
    return [*words, *(f"{key}={file}" for key, (value, file) in found.items() if file != value)]


def pinned_values(key: str, values: Sequence[str]) -> list[str]:
    """The values of a key, as files where it is one for a file of weights and they name runs; of a metric, as runs."""
    if key == found_metric.KEY:
        return [value if (run := named_run(value, key)) is None else run.label for value in values]
    return [file_of(value, key) if is_key(key) and value not in ("", "null") else value for value in values]


def is_key(key: str) -> bool:
    """Whether a key, such as `model.weights` or `model.encoder.weights`, may take a file of weights."""
    return re.fullmatch(rf"model\.([\w.]+\.)?{KEY}", key) is not None


def source(file: Path) -> dict[str, str | None]:
    """Where a file of weights came from: its SHA-256, and the run that wrote it, if a run did."""
    with open(file, "rb") as content:
        checksum = file_digest(content, "sha256").hexdigest()
    folder = file.resolve().parent.parent  # RUN/checkpoints/best.ckpt
    run = RunFolder(folder) if file.parent.name == "checkpoints" and os.path.isfile(folder / "config.yaml") else None
    return {
        "sha256": checksum,
        "run": run.label if run else None,
        "mlflow_run_id": run.mlflow_run_id if run else None,
    }
