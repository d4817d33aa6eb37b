"""Evaluator of classifiers: accuracy, AUC and background rejection with bootstrap errors, ROC, confusion matrix."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pyarrow as pa

from hepexp.errors import HepexpError
from hepexp.evaluation.bootstrap import OF_CENTRAL, Width, central, error_of, replicas, spread
from hepexp.evaluation.evaluators.evaluator import Evaluator, Outputs, loss_figures, mean_loss
from hepexp.evaluation.predictions import predictions_table
from hepexp.evaluation.roc import SIGNAL_EFFICIENCIES, Roc, area, background_at
from hepexp.metric import AT_LEVEL, CONFIDENCE, Metric

ONE_CLASS = "all examples are of one class"
NONE_PASSES = "no background example passes, or all examples are of one class"
FEW = 10  # with fewer background examples above a cut than this, their number is shown beside the rejection


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


def auc(scores: np.ndarray, label: np.ndarray) -> float:
    """Area under the ROC curve; for more than two classes the mean of one-vs-rest areas (macro).

    Fast enough for every epoch. Equal to scikit-learn's `roc_auc_score`.

    Parameters
    ----------
    scores : (n, C) score per class, e.g. probabilities; with two classes the last column is the signal's.
    label : (n,) int, class of each example.

    Returns
    -------
    The AUC; NaN where it is not defined, with only one class present or a score that is NaN.
    """
    if np.isnan(scores).any():
        return math.nan
    return _mean_area([curve.counts() for curve in _curves(np.asarray(scores), np.asarray(label))])


def classification_metrics(
    scores: np.ndarray, label: np.ndarray, n_bootstrap: int = 200, seed: int = 0
) -> dict[str, float | str | None]:
    """Accuracy, AUC and, for two classes, the background rejection 1/eB, each with its error.

    The error is the standard deviation over bootstrap replicas of the test set, for rejections half the width of the
    central 68 %, as 1/eB of few background examples has heavy tails. It covers the finite test set, not the spread
    between trainings.

    Parameters
    ----------
    scores : (n, C) score per class, e.g. probabilities; with two classes the last column is the signal's.
    label : (n,) int, class of each example; with two classes 1 is the signal.
    n_bootstrap : number of replicas; 0 for no errors.
    seed : of the replicas.

    Returns
    -------
    `accuracy`, `auc`, `rejection_0.3`, `rejection_0.5` (at signal efficiencies eS = 0.3 and 0.5, linear on the ROC
    curve), and `<key>_err` of each. None where a figure is not finite: a rejection when no background passes, its error
    when none passes in more than 16 % of the replicas, the AUC when only one class is present; and no error when all
    replicas agree. `<key>_note` gives the reason, and the number of background examples that pass if they are few;
    `<key>_bound` is the lower bound on a rejection at 95 % CL when none of n passes, n / -ln(0.05).

    Raises
    ------
    HepexpError : no examples, or scores that are NaN.
    """
    scores, label = np.asarray(scores), np.asarray(label)
    _check(scores, label)
    judge = Judge(scores, label)
    point = judge()
    draws = [judge(weight) for weight in replicas(len(label), n_bootstrap, seed)]
    metrics: dict[str, float | str | None] = {}
    for key, value in point.items():
        metrics[key] = value if math.isfinite(value) else None
        remarks, reason = judge.remarks(key), ""
        if n_bootstrap:
            error, reason = error_of([draw[key] for draw in draws], len(label), width_of(key))
            metrics[f"{key}_err"] = None if metrics[key] is None else error
        if reason and metrics[key] is not None:
            remarks["note"] = "; ".join(filter(None, [remarks.get("note"), reason]))
        metrics |= {f"{key}_{suffix}": said for suffix, said in remarks.items()}
    return metrics


def width_of(key: str) -> Width:
    """How the error of a figure of `Judge` follows from its bootstrap replicas."""
    return central if key.startswith("rejection_") else spread


class Judge:
    """Accuracy, AUC and rejections of one set of predictions, for any weights of the examples; sorts them once.

    Parameters
    ----------
    scores : (n, C) score per class; label : (n,) int; as for `classification_metrics`.
    """

    def __init__(self, scores: np.ndarray, label: np.ndarray) -> None:
        self.curves = _curves(scores, label)
        self.right = scores.argmax(axis=1) == label

    def remarks(self, key: str) -> dict[str, float | str]:
        """The `note` on a figure, and the `bound` of one without a value; empty if there is nothing to note."""
        signal, background = self.curves[0].counts()
        if key == "accuracy" or len(self.curves) > 1:
            return {}
        if not signal[-1] or not background[-1]:
            return {"note": ONE_CLASS}
        if not key.startswith("rejection_"):
            return {}
        n = int(background[-1])
        at = float(key.removeprefix("rejection_"))
        passing = math.ceil(float(background_at(signal, background, at)) * n - 1e-6)  # of the two
        if passing >= FEW:
            return {}
        note = f"{passing} of {n:,} background examples {'passes' if passing == 1 else 'pass'}"
        if passing:
            return {"note": note}
        return {"bound": max(n / -math.log(1 - CONFIDENCE), 1.0), "note": f"{note}: {AT_LEVEL}"}

    def __call__(self, weight: np.ndarray | None = None) -> dict[str, float]:
        """Figures with example i counted `weight[i]` times, (n,) int, once each by default; may be NaN or infinite."""
        weight = np.ones(len(self.right), np.int64) if weight is None else weight
        counts = [curve.counts(weight) for curve in self.curves]
        figures = {"accuracy": float(np.dot(weight, self.right) / weight.sum()), "auc": _mean_area(counts)}
        if len(counts) == 1:
            for at in SIGNAL_EFFICIENCIES:
                background = float(background_at(*counts[0], at))
                figures[f"rejection_{at}"] = 1 / background if background else math.inf
        return figures


def _check(scores: np.ndarray, label: np.ndarray) -> None:
    if scores.ndim != 2 or len(scores) != len(label) or scores.shape[1] < 2:
        raise HepexpError(f"scores must be (n, classes) beside n labels, got {scores.shape} and {label.shape}")
    if not len(label):
        raise HepexpError("there are no examples to evaluate")
    bad = int(np.isnan(scores).any(axis=1).sum())
    if bad:
        raise HepexpError(
            f"the scores of {bad} of {len(label)} examples are NaN: the training diverged; lower optimizer.lr or set "
            "trainer.gradient_clip"
        )


def _curves(scores: np.ndarray, label: np.ndarray) -> list[Roc]:
    """One curve for two classes (signal is class 1), otherwise one for each class against the rest."""
    classes = [1] if scores.shape[1] == 2 else range(scores.shape[1])
    return [Roc(scores[:, c], label == c) for c in classes]


def _mean_area(counts: list[tuple[np.ndarray, np.ndarray]]) -> float:
    areas = [a for a in (area(*c) for c in counts) if not math.isnan(a)]  # a class without examples has no curve
    return float(np.mean(areas)) if areas else math.nan
