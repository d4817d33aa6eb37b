"""What an explanation leaves in a folder, usually its run's: explain.json, relevances.parquet, plots/explain_*.png."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from hepexp.atomic import write_json
from hepexp.evaluation.predictions import write_predictions
from hepexp.explanation import averages, deletion
from hepexp.explanation.explain import Explained
from hepexp.tracking import sync
from hepexp.tracking.mlflow_store import MlflowRun
from hepexp.tracking.run_folder import RunFolder

Kinds = tuple[Sequence[NDArray[np.integer]], Sequence[str]]


def summary(explained: Explained, names: tuple[str, ...], kinds: Kinds | None, seed: int) -> dict[str, Any]:
    """What is conserved, the areas below the deletion curves, and the mean shares of relevance for each class."""
    lost = explained.reference - explained.total
    size = np.abs(explained.reference).mean()
    found: dict[str, Any] = {
        "n": len(explained),
        "output": float(explained.output.mean()),
        "relevance": float(explained.total.mean()),
        "lost": float(lost.mean()),
        "lost_share": float(np.abs(lost).mean() / size) if size else None,
        "deletion": {
            **deletion.areas(explained.curves, seed),
            "shares": deletion.SHARES.tolist(),
            "curves": {name: curve.mean(0).tolist() for name, curve in explained.curves.items()},
        },
        "classes": {},
    }
    for c in np.unique(explained.group[explained.group >= 0]):
        chosen = explained.group == c
        of_class: dict[str, Any] = {"n": int(chosen.sum()), "columns": averages.of_columns(explained, chosen)}
        if explained.momenta:
            edges, shares = averages.of_distances(explained, chosen)
            of_class["delta_r"] = {"edges": edges.tolist(), "shares": shares}
        if kinds:
            of_class["kinds"] = averages.of_kinds(explained, *kinds, chosen)
        found["classes"][names[c]] = of_class
    return found


def table(explained: Explained, names: tuple[str, ...]) -> pa.Table:
    """One row per example: index, label, the explained class, its output, and lists over the elements.

    Of a jet `pt` [GeV], `delta_y` and `delta_phi` [rad] from its axis beside `relevance`.
    """
    columns = {
        "index": explained.index,
        "label": explained.label,
        "explained": [names[c] for c in explained.which],
        "output": explained.output,
        "relevance": explained.relevance,
        "relevance_of_no_element": explained.whole,
    }
    for k, name in enumerate(("pt", "delta_y", "delta_phi") if explained.momenta else ()):
        columns[name] = [each[:, k].copy() for each in explained.momenta]
    return pa.table(columns)


def write(
    folder: Path, explained: Explained, names: tuple[str, ...], content: dict[str, Any], suffix: str
) -> list[str]:
    """Write explain.json and relevances.parquet, with a suffix before the dot; return their names."""
    json, parquet = f"explain{suffix}.json", f"relevances{suffix}.parquet"
    write_json(folder / json, content)
    write_predictions(folder / parquet, table(explained, names))
    return [json, parquet]


def log(folder: RunFolder, content: dict[str, Any]) -> bool:
    """Copy the files to the run's artifacts in MLflow, and areas of many examples to its metrics.

    Returns
    -------
    Whether the store has the run.
    """
    if (run_id := folder.mlflow_run_id) is None:
        return False
    run = MlflowRun.of(run_id, folder.path)
    figures = {**content["deletion"], "lost_share": content["lost_share"]}
    many = content["example"] is None
    run.add({f"explain/{name}": value for name, value in figures.items() if many and isinstance(value, float)})
    sync.send_again(run_id)
    return True
