"""Run folders with known predictions, as a training would have left them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hepexp.compare.record import Record
from hepexp.evaluation.evaluators.classification import classification_metrics
from hepexp.evaluation.predictions import predictions_table, write_predictions
from hepexp.tracking.run_folder import RunFolder

N = 600


def labels(n: int = N) -> np.ndarray:
    return np.arange(n) % 2


def scores(separation: float, seed: int, n: int = N) -> np.ndarray:
    """Scores (n, 2) of two normal distributions so far apart, in units of their width."""
    logit = np.random.default_rng(seed).normal(size=n) + separation * labels(n)
    signal = 1 / (1 + np.exp(-logit))
    return np.stack([1 - signal, signal], axis=1)


def run(
    root: Path,
    name: str,
    given: np.ndarray,
    seed: int = 1,
    model: str = "pfn",
    settings: dict | None = None,
    expected: dict | None = None,
    choices: dict | None = None,
    needs: dict | None = None,
    trainer: dict | None = None,
    weight: np.ndarray | None = None,
    **metrics: float,
) -> Record:
    """A finished run of these scores (n, 2)."""
    folder = RunFolder(root / "tests" / name)
    choices = {"model": model, "dataset": "qg", **(choices or {})}
    config = {"seed": seed, "name": name, "model": {"width": 8, **(settings or {})}, "choices": choices}
    config |= {"trainer": trainer} if trainer else {}
    folder.write_yaml("config.yaml", {**config, "expected": expected or {}})
    folder.write_yaml("overrides.yaml", [])
    data = {"source": "mini", "n_train": 500, "files": [{"name": "a", "sha256": "b"}]}
    folder.write_json("environment.json", {"time": f"2026-01-01 {name}", "data": data, "needs": needs or {}})
    label = labels(len(given))
    judged = classification_metrics(given, label, n_bootstrap=20, weight=weight)
    figures = {f"test/{key}": value for key, value in judged.items()}
    folder.write_json("metrics.json", {**figures, "model/parameters": 1234, **metrics})
    folder.write_json("history.json", [{"epoch": e, "val/auc": 0.7 + 0.05 * e} for e in range(1, 4)])
    table = predictions_table(np.arange(len(label)), label, given, ("gluon", "quark"), weight=weight)
    write_predictions(folder.predictions, table)
    return Record(folder)
