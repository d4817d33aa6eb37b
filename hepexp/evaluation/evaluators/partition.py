"""Evaluator of elements that fall into groups: F1 of pairs and Rand indices, also by class of the example."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from hepexp.evaluation.bootstrap import ones, ratio
from hepexp.evaluation.evaluators.evaluator import Outputs, element_columns
from hepexp.evaluation.evaluators.of_weights import EvaluatorOfWeights
from hepexp.evaluation.predictions import index_and_label
from hepexp.metric import Metric, in_key

_NO_PAIR = "no example has two elements whose group is known"
_OF_CLASS = "no example of this class has two elements whose group is known"


class PartitionEvaluator(EvaluatorOfWeights):
    """Evaluates `confusion` (n, 2, 2): pairs in different groups and in one, by truth and as they are found.

    Figures are means over the examples with at least one pair.

    Parameters
    ----------
    class_names : of the examples, such as the flavours of jets.
    """

    metrics = (
        Metric(
            "f1",
            "higher",
            "F1",
            "Mean over examples of 2 t / (2 t + w), of t pairs rightly joined and w wrong ones; 1 without either.",
            range="0 to 1",
            undefined=_NO_PAIR,
            column=True,
        ),
        Metric(
            "rand_index",
            "higher",
            "Rand index",
            "Mean over examples of the fraction of pairs that are rightly joined or kept apart.",
            range="0 to 1",
            undefined=_NO_PAIR,
            column=True,
        ),
        Metric(
            "adjusted_rand_index",
            "higher",
            "adjusted Rand index",
            "Mean over examples of the Rand index less its mean for random groups of these sizes (Hubert and "
            "Arabie 1985).",
            range="-0.5 to 1",
            undefined=_NO_PAIR,
            column=True,
        ),
        Metric(
            "perfect",
            "higher",
            "all groups right",
            "Fraction of the examples of which all pairs are right.",
            range="0 to 1",
            undefined=_NO_PAIR,
        ),
        Metric(
            "f1_{class}",
            "higher",
            "F1 of {class}",
            "The same as F1, of the examples of class {class}.",
            range="0 to 1",
            undefined=_OF_CLASS,
            each_epoch=False,
        ),
        Metric(
            "rand_index_{class}",
            "higher",
            "Rand index of {class}",
            "The same as the Rand index, of the examples of class {class}.",
            range="0 to 1",
            undefined=_OF_CLASS,
            each_epoch=False,
        ),
        Metric(
            "adjusted_rand_index_{class}",
            "higher",
            "adjusted Rand index of {class}",
            "The same as the adjusted Rand index, of the examples of class {class}.",
            range="-0.5 to 1",
            undefined=_OF_CLASS,
            each_epoch=False,
        ),
    )

    def __init__(self, class_names: Sequence[str] = ()) -> None:
        self.class_names = tuple(class_names)

    def _figures(self, outputs: Outputs) -> dict[str, Callable[[NDArray], float]]:
        each, has_pair = of_examples(outputs["confusion"])
        figures = {name: ratio(values * has_pair, has_pair) for name, values in each.items()}
        if len(self.class_names) > 1:
            for c, name in enumerate(self.class_names):
                chosen = has_pair * (outputs["label"] == c)
                for key in ("f1", "rand_index", "adjusted_rand_index"):
                    figures[f"{key}_{in_key(name)}"] = ratio(each[key] * chosen, chosen)
        return figures

    def table(self, outputs: Outputs, class_names: tuple[str, ...]) -> pa.Table:
        """Columns index, label, f1, adjusted_rand_index, and lists: the `group` of each element, and the true one."""
        columns = index_and_label(outputs["index"], outputs["label"])
        if "confusion" in outputs:
            each, has_pair = of_examples(outputs["confusion"])
            for name in ("f1", "adjusted_rand_index"):
                columns[name] = pa.array(each[name], mask=has_pair == 0)
        return pa.table(columns | element_columns(outputs, {"group": "group", "true_group": "true_group"}))

    def figures(self, outputs: Outputs, class_names: tuple[str, ...], folder: Path, seed: int) -> None:
        from hepexp.evaluation import plots  # matplotlib takes a second to import

        each, has_pair = of_examples(outputs["confusion"])
        elements = np.bincount(np.searchsorted(outputs["index"], outputs["element/index"]), minlength=len(has_pair))
        kept = has_pair > 0
        weight = ones(len(has_pair), outputs.get("weight"))[kept]
        names = class_names or ("all",)
        label = outputs["label"][kept] if class_names else np.zeros(int(kept.sum()), np.int64)
        plots.groups_by_size(folder / "f1.png", elements[kept], each["f1"][kept], label, names, weight)


def of_examples(confusion: NDArray) -> tuple[dict[str, NDArray[np.float64]], NDArray[np.float64]]:
    """The figures (n,) of each example from its pairs (n, 2, 2), and 1 where it has a pair, otherwise 0."""
    (tn, fp), (fn, tp) = confusion.astype(np.float64).transpose(1, 2, 0)
    wrong, pairs = fp + fn, tn + fp + fn + tp
    has_pair = (pairs > 0).astype(np.float64)
    either = (tp + fn) * (fn + tn) + (tp + fp) * (fp + tn)
    adjusted = np.divide(2 * (tp * tn - fn * fp), either, out=np.ones_like(pairs), where=(either > 0) & (wrong > 0))
    return {
        "f1": np.divide(2 * tp, 2 * tp + wrong, out=np.ones_like(pairs), where=2 * tp + wrong > 0),
        "rand_index": np.divide(tp + tn, pairs, out=np.ones_like(pairs), where=pairs > 0),
        "adjusted_rand_index": adjusted,
        "perfect": (wrong == 0).astype(np.float64),
    }, has_pair
