"""Readout of classifiers: accuracy, AUC, background rejection, ROC, score histogram, confusion matrix."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from hepexp.evaluation.bootstrap import replicas, spread
from hepexp.evaluation.classification import auc, classification_metrics
from hepexp.evaluation.predictions import predictions_table
from hepexp.evaluation.readout import Outputs, Readout


class ClassificationReadout(Readout):
    """Judges columns `scores` (n, C), `label` (n,) and `loss` (n,)."""

    def quick(self, outputs: Outputs) -> dict[str, float]:
        scores, label = outputs["scores"], outputs["label"]
        return {
            "loss": float(outputs["loss"].mean(dtype=np.float64)),
            "accuracy": float((scores.argmax(axis=1) == label).mean()),
            "auc": auc(scores, label),
        }

    def final(self, outputs: Outputs, seed: int) -> dict[str, float | None]:
        metrics = classification_metrics(outputs["scores"], outputs["label"], seed=seed)
        loss = outputs["loss"].astype(np.float64)
        error = spread([float(weight @ loss) / len(loss) for weight in replicas(len(loss), 200, seed)])
        return {"loss": float(loss.mean()), "loss_err": error, **metrics}

    def table(self, outputs: Outputs, class_names: tuple[str, ...]) -> pa.Table:
        return predictions_table(outputs["index"], outputs["label"], outputs["scores"], class_names)

    def figures(self, outputs: Outputs, class_names: tuple[str, ...], folder: Path, seed: int) -> None:
        from hepexp.evaluation import plots  # matplotlib takes a second to import

        scores, label = outputs["scores"], outputs["label"]
        plots.roc(folder / "roc.png", scores, label, class_names, seed=seed)
        plots.score_histogram(folder / "scores.png", scores, label, class_names)
        plots.confusion_matrix(folder / "confusion_matrix.png", scores, label, class_names)
