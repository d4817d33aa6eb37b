"""Areas under ROC curves: of all classes together, and of each."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from hepexp.evaluation.classifiers.figure_of_merit import ONE_CLASS, FigureOfMerit, OfWeights, why_no_curve
from hepexp.evaluation.classifiers.scored_examples import ScoredExamples
from hepexp.evaluation.roc import Roc, area
from hepexp.metric import Metric, in_key


class Auc(FigureOfMerit):
    """Area under the ROC curve; of more than two classes the mean over one-vs-rest areas (macro)."""

    metrics = (
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
    )

    limits = (0.0, 1.0)

    def figures(self, examples: ScoredExamples) -> dict[str, OfWeights]:
        return {"auc": mean_area(examples.one_vs_rest)}

    def remarks(self, name: str, examples: ScoredExamples) -> dict[str, float | str]:
        names = examples.setting.class_names
        if examples.n_classes == 2:
            why = why_no_curve(examples.against_rest(1), examples, names[1], names[0])
        else:
            each = {
                of: why_no_curve(curve, examples, of) for of, curve in zip(names, examples.one_vs_rest, strict=True)
            }
            without = {of: reason for of, reason in each.items() if reason not in ("", ONE_CLASS)}
            why = "; ".join(f"without class {of}, as {reason}" for of, reason in without.items())
        return {"note": why} if why else {}


class ClassAuc(FigureOfMerit):
    """Area under the ROC curve of each class against the rest."""

    metrics = (
        Metric(
            "auc_{class}",
            "higher",
            "AUC ({class})",
            "Area under the ROC curve of the class {class} against all others, by its own score.",
            range="0 to 1; 0.5 is chance",
            undefined="there are no examples of the class, or no others",
        ),
    )
    least_classes = 3
    limits = (0.0, 1.0)

    def remarks(self, name: str, examples: ScoredExamples) -> dict[str, float | str]:
        names = examples.setting.class_names
        c = [_figure(of) for of in names].index(name)
        curve, of = examples.against_rest(c), names[c]
        why = why_no_curve(curve, examples, of)
        return {"note": why} if why not in ("", ONE_CLASS) else {}

    def figures(self, examples: ScoredExamples) -> dict[str, OfWeights]:
        names = examples.setting.class_names
        return {_figure(name): mean_area([examples.against_rest(c)]) for c, name in enumerate(names)}


def _figure(name: str) -> str:
    return f"auc_{in_key(name)}"


class OneVsOneAuc(FigureOfMerit):
    """Mean over all ordered pairs of classes of the area under the ROC curve of one against the other.

    With as many examples of each class it is equal to the mean of the one-vs-rest areas, `auc`.

    References
    ----------
    D. J. Hand, R. J. Till, Machine Learning 45 (2001) 171. The AUC of JetClass in arXiv:2202.03772.
    """

    metrics = (
        Metric(
            "auc_ovo",
            "higher",
            "AUC (one vs one)",
            "Mean over all ordered pairs of classes of the area under the ROC curve of one against the other, by the "
            "score of the first (Hand and Till, Machine Learning 45 (2001) 171); the same as auc for classes of equal "
            "size.",
            range="0 to 1; 0.5 is chance",
            undefined=ONE_CLASS,
        ),
    )
    least_classes = 3
    limits = (0.0, 1.0)

    def figures(self, examples: ScoredExamples) -> dict[str, OfWeights]:
        members = [examples.label == c for c in range(examples.n_classes)]
        ranks = [examples.ranks(c, None) for c in range(examples.n_classes)]
        pairs = [
            Roc(ranks[c], members[c], members[c] | members[other])
            for c in range(examples.n_classes)
            for other in range(examples.n_classes)
            if c != other
        ]
        return {"auc_ovo": mean_area(pairs)}


def mean_area(curves: Iterable[Roc]) -> OfWeights:
    """The mean area of several curves as a function of weights; a class without examples has none."""
    curves = list(curves)

    def of(weight: NDArray) -> float:
        areas = [a for a in (area(*curve.counts(weight)) for curve in curves) if not math.isnan(a)]
        return float(np.mean(areas)) if areas else math.nan

    return of
