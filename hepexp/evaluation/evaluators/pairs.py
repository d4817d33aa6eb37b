"""Evaluator of learnt distances: whether pairs are told apart, in addition to the metrics of an embedding."""

from __future__ import annotations

import numpy as np

from hepexp.evaluation.bootstrap import mean, mean_of, ones, with_errors
from hepexp.evaluation.evaluators.embedding import EmbeddingEvaluator
from hepexp.evaluation.evaluators.evaluator import Outputs
from hepexp.metric import Metric

SAME_WITHIN = 0.5  # distance up to which two examples count as the same, as in ML4SCI 2024


class PairEvaluator(EmbeddingEvaluator):
    """An EmbeddingEvaluator with the fraction of pairs on the right side of a distance of 0.5 as well.

    Each example is paired with the next one of its own class and the next one of another class, in the order of the
    data set.
    """

    metrics = (
        Metric(
            "pair_accuracy",
            "higher",
            "pair accuracy",
            "Fraction of pairs on the right side of a distance of 0.5: each example with the next of its class, which "
            "should be nearer, and with the next of another class, which should be farther.",
            range="0 to 1; 0.5 is chance",
            column=True,
        ),
    )

    likeness = "distance"
    least_length = SAME_WITHIN  # lengths have a meaning: embeddings that are close to zero are not told apart

    def quick(self, outputs: Outputs) -> dict[str, float]:
        weight = ones(len(outputs["label"]), outputs.get("weight"))
        return {**super().quick(outputs), "pair_accuracy": mean(self._of_examples(outputs), weight)}

    def final(self, outputs: Outputs, seed: int) -> dict[str, float | str | None]:
        right, weight = self._of_examples(outputs), outputs.get("weight")
        own = with_errors({"pair_accuracy": mean_of(right)}, len(right), seed, weight=weight)
        return {**super().final(outputs, seed), **own}

    def _of_examples(self, outputs: Outputs) -> np.ndarray:
        """The fraction (n,) of each example's two pairs that is on the right side."""
        return self._right(outputs).reshape(2, -1).mean(0)

    @staticmethod
    def _right(outputs: Outputs) -> np.ndarray:
        embedding, label = outputs["embedding"].astype(np.float64), outputs["label"]
        n = len(label)
        same, different = np.arange(n), np.arange(n)
        for kind in np.unique(label):
            members, others = np.flatnonzero(label == kind), np.flatnonzero(label != kind)
            same[members] = np.roll(members, -1)
            if len(others):
                different[members] = others[np.searchsorted(others, members) % len(others)]
        near, far = (np.linalg.norm(embedding - embedding[partner], axis=1) for partner in (same, different))
        return np.concatenate([near <= SAME_WITHIN, far > SAME_WITHIN])
