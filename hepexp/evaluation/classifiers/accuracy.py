"""Accuracy: how often the largest score is that of the true class."""

from __future__ import annotations

from hepexp.evaluation.bootstrap import mean
from hepexp.evaluation.classifiers.figure_of_merit import FigureOfMerit, OfWeights
from hepexp.evaluation.classifiers.scored_examples import ScoredExamples
from hepexp.metric import Metric


class Accuracy(FigureOfMerit):
    """Fraction of examples, or of their weights, that are assigned to the true class."""

    metrics = (
        Metric(
            "accuracy",
            "higher",
            "accuracy",
            "Fraction of examples for which the class with the largest score is the true one.",
            range="0 to 1",
            column=True,
        ),
    )

    limits = (0.0, 1.0)

    def figures(self, examples: ScoredExamples) -> dict[str, OfWeights]:
        right = examples.scores.argmax(axis=1) == examples.label
        return {"accuracy": lambda weight: mean(right, weight)}
