"""Evaluator of classified elements: particles of a jet, nodes of a graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from hepexp.evaluation.bootstrap import ones, ratio
from hepexp.evaluation.evaluators.evaluator import (
    ELEMENT,
    Outputs,
    element_columns,
    listed,
    loss_of_parts,
)
from hepexp.evaluation.evaluators.of_weights import EvaluatorOfWeights
from hepexp.evaluation.predictions import index_and_label
from hepexp.metric import Metric, in_key


class ElementEvaluator(EvaluatorOfWeights):
    """Evaluates `confusion` (n, C, C), how many elements of each true class are taken for each class in an example.

    Errors come from replicas of the examples, as the elements of one are correlated.

    Parameters
    ----------
    class_names : of the elements.
    """

    metrics = (
        Metric(
            "element_accuracy",
            "higher",
            "accuracy per element",
            "Fraction of elements for which the class with the largest score is the true one.",
            range="0 to 1",
            undefined="no element has a class",
        ),
        Metric(
            "element_efficiency_{class}",
            "higher",
            "efficiency of {class}",
            "Fraction of the elements of class {class} that are taken for it.",
            range="0 to 1",
            undefined="no element is of this class",
            each_epoch=False,
        ),
        Metric(
            "element_purity_{class}",
            "higher",
            "purity of {class}",
            "Fraction of the elements that are taken for {class} and are of this class.",
            range="0 to 1",
            undefined="no element is taken for this class",
            each_epoch=False,
        ),
    )

    def __init__(self, class_names: Sequence[str]) -> None:
        self.class_names = tuple(class_names)

    def _loss(self, outputs: Outputs, seed: int) -> dict[str, float | str | None]:
        return loss_of_parts(outputs, seed)

    def _figures(self, outputs: Outputs) -> dict[str, Callable[[np.ndarray], float]]:
        counts = outputs["confusion"].astype(np.float64)
        right = np.diagonal(counts, axis1=1, axis2=2)
        figures = {"element_accuracy": ratio(right.sum(1), counts.sum((1, 2)))}
        for c, name in enumerate(_spelled(self.class_names)):
            figures[f"element_efficiency_{name}"] = ratio(right[:, c], counts[:, c].sum(1))
            figures[f"element_purity_{name}"] = ratio(right[:, c], counts[:, :, c].sum(1))
        return figures

    def table(self, outputs: Outputs, class_names: tuple[str, ...]) -> pa.Table:
        """Columns index, label, and how many elements are predicted and truly of each class in an example.

        And lists: `score_<class>`, `particle`, the place of each among those that were read, and `element_label`.
        """
        columns = index_and_label(outputs["index"], outputs["label"])
        for c, name in enumerate(_spelled(self.class_names)):
            columns[f"predicted_{name}"] = pa.array(outputs["predicted"][:, c])
            if "confusion" in outputs:
                columns[f"target_{name}"] = pa.array(outputs["confusion"][:, c].sum(1))
        if f"{ELEMENT}score" in outputs:
            for c, name in enumerate(_spelled(self.class_names)):
                columns[f"score_{name}"] = listed(outputs)(outputs[f"{ELEMENT}score"][:, c])
        return pa.table(columns | element_columns(outputs, {"particle": "particle", "label": "element_label"}))

    def figures(self, outputs: Outputs, class_names: tuple[str, ...], folder: Path, seed: int) -> None:
        from hepexp.evaluation import plots  # matplotlib takes a second to import

        counts = np.tensordot(ones(len(outputs["index"]), outputs.get("weight")), outputs["confusion"], axes=1)
        title = "confusion matrix of the elements"
        plots.confusion_counts(folder / "confusion_matrix.png", counts, self.class_names, title)


def _spelled(names: Sequence[str]) -> list[str]:
    return [in_key(name).replace(" ", "_") for name in names]
