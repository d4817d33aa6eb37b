"""Evaluator of pairs of elements that belong together or not: edges between the hits of a track."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa

from hepexp.evaluation.bootstrap import ones, ratio
from hepexp.evaluation.evaluators.evaluator import Outputs, element_columns, loss_of_parts
from hepexp.evaluation.evaluators.of_weights import EvaluatorOfWeights
from hepexp.evaluation.predictions import index_and_label
from hepexp.metric import Metric

NAMES = ("different", "same")


class ElementPairEvaluator(EvaluatorOfWeights):
    """Evaluates `confusion` (n, 2, 2): how many pairs of different and of the same group are taken for which.

    Errors come from replicas of the examples, as the pairs of one are correlated.
    """

    metrics = (
        Metric(
            "element_pair_accuracy",
            "higher",
            "accuracy per pair",
            "Fraction of pairs of elements that are rightly taken for different or the same group.",
            range="0 to 1",
            undefined="of no two elements it is known whether they belong together",
        ),
        Metric(
            "element_pair_efficiency",
            "higher",
            "pair efficiency",
            "Fraction of the pairs in the same group that are taken for it.",
            range="0 to 1",
            undefined="no two elements belong together",
        ),
        Metric(
            "element_pair_purity",
            "higher",
            "pair purity",
            "Fraction of the pairs that are taken for the same group and are in it.",
            range="0 to 1",
            undefined="no pair is taken for the same group",
        ),
    )

    def _loss(self, outputs: Outputs, seed: int) -> dict[str, float | str | None]:
        return loss_of_parts(outputs, seed)

    def _figures(self, outputs: Outputs) -> dict[str, Callable[[np.ndarray], float]]:
        counts = outputs["confusion"].astype(np.float64)
        found = counts[:, 1, 1]
        return {
            "element_pair_accuracy": ratio(counts[:, 0, 0] + found, counts.sum((1, 2))),
            "element_pair_efficiency": ratio(found, counts[:, 1].sum(1)),
            "element_pair_purity": ratio(found, counts[:, :, 1].sum(1)),
        }

    def table(self, outputs: Outputs, class_names: tuple[str, ...]) -> pa.Table:
        """Columns index, label, and how many pairs are predicted to be, and truly are, different and the same.

        And lists: `score_same`, the probability of a pair to belong together, and `edge_label`, 1 if it does, 0 if not,
        -1 if that is unknown; in the order of the edges that were read, or with `edge_from` and `edge_to`, the places
        of the elements among those that were read.
        """
        columns = index_and_label(outputs["index"], outputs["label"])
        for c, name in enumerate(NAMES):
            columns[f"predicted_{name}"] = pa.array(outputs["predicted"][:, c])
            if "confusion" in outputs:
                columns[f"target_{name}"] = pa.array(outputs["confusion"][:, c].sum(1))
        names = {"score": "score_same", "from": "edge_from", "to": "edge_to", "label": "edge_label"}
        return pa.table(columns | element_columns(outputs, names))

    def figures(self, outputs: Outputs, class_names: tuple[str, ...], folder: Path, seed: int) -> None:
        from hepexp.evaluation import plots  # matplotlib takes a second to import

        counts = np.tensordot(ones(len(outputs["index"]), outputs.get("weight")), outputs["confusion"], axes=1)
        plots.confusion_counts(folder / "confusion_matrix.png", counts, NAMES, "confusion matrix of the pairs")
