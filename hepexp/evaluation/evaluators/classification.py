"""Evaluator of classifiers: accuracy, AUC, background rejection, ROC, score histogram, confusion matrix."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from hepexp.evaluation.bootstrap import OF_CENTRAL
from hepexp.evaluation.classification import NONE_PASSES, ONE_CLASS, auc, classification_metrics
from hepexp.evaluation.evaluators.evaluator import Evaluator, Outputs, loss_figures, mean_loss
from hepexp.evaluation.predictions import predictions_table
from hepexp.metric import Metric


class ClassificationEvaluator(Evaluator):
    """Evaluates the columns `scores` (n, C), `label` (n,) and `loss` or `batch_loss` (n,)."""

    metrics = (
        Metric(
            "accuracy",
            "higher",
            "accuracy",
            "Fraction of examples for which the class with the largest score is the true one.",
            range="0 to 1",
            column=True,
        ),
        Metric(
            "auc",
            "higher",
            "AUC",
            "Area under the ROC curve: the probability that a signal example has a higher score than a background "
            "one; for more than two classes the mean of the areas of each class against the rest.",
            range="0 to 1; 0.5 is chance",
            undefined=ONE_CLASS,
            column=True,
        ),
        Metric(
            "rejection_{eS}",
            "higher",
            "1/εB (εS={eS})",
            "Background rejection 1/eB, the inverse of the background efficiency at signal efficiency {eS}, linear "
            "between the points of the ROC curve; two classes only. Its error is half the width of the central 68 % of "
            "the bootstrap replicas. If none of n background examples passes, the value is replaced by the lower bound "
            "n/3.0 at 95 % CL.",
            latex=r"$1/\varepsilon_B$ ($\varepsilon_S={eS}$)",
            range=">= 1; 1/eS is chance",
            error=OF_CENTRAL,
            undefined=NONE_PASSES,
            each_epoch=False,
            column=True,
            values=("0.3", "0.5"),
        ),
    )

    def quick(self, outputs: Outputs) -> dict[str, float]:
        scores, label = outputs["scores"], outputs["label"]
        return {
            "loss": mean_loss(outputs),
            "accuracy": float((scores.argmax(axis=1) == label).mean()),
            "auc": auc(scores, label),
        }

    def final(self, outputs: Outputs, seed: int) -> dict[str, float | None]:
        metrics = classification_metrics(outputs["scores"], outputs["label"], seed=seed)
        return {**loss_figures(outputs, seed), **metrics}

    def table(self, outputs: Outputs, class_names: tuple[str, ...]) -> pa.Table:
        return predictions_table(outputs["index"], outputs["label"], outputs["scores"], class_names)

    def figures(self, outputs: Outputs, class_names: tuple[str, ...], folder: Path, seed: int) -> None:
        from hepexp.evaluation import plots  # matplotlib takes a second to import

        scores, label = outputs["scores"], outputs["label"]
        plots.roc(folder / "roc.png", scores, label, class_names, seed=seed)
        plots.score_histogram(folder / "scores.png", scores, label, class_names)
        plots.confusion_matrix(folder / "confusion_matrix.png", scores, label, class_names)
