"""Evaluator of a classifier of data against samples of the background's density."""

from __future__ import annotations

import numpy as np

from hepexp.evaluation.bootstrap import with_errors
from hepexp.evaluation.evaluators.classification import ClassificationEvaluator
from hepexp.evaluation.evaluators.evaluator import Outputs
from hepexp.evaluation.roc import Roc, area
from hepexp.metric import Metric


class CathodeEvaluator(ClassificationEvaluator):
    """A classifier's, with the column `sample_scores` (n, C) of a sample of the density beside each example.

    In validation all examples are data; the figures of an epoch say how well these are told from samples.
    """

    metrics = (
        Metric(
            "closure_auc",
            "neither",
            "AUC background/samples",
            "Area under the ROC curve of the score between background and samples of its density, as it was found in "
            "the sidebands.",
            range="0 to 1; 0.5 if the samples are as the background is",
            undefined="there is no background",
            each_epoch=False,
        ),
    )

    def quick(self, outputs: Outputs) -> dict[str, float]:
        if "sample_scores" not in outputs:
            return super().quick(outputs)
        n = len(outputs["label"])
        twice = {name: np.concatenate([v, v]) for name, v in outputs.items() if len(v) == n and name != "sample_scores"}
        twice["scores"] = np.concatenate([outputs["scores"], outputs["sample_scores"]])
        twice["label"] = np.repeat([1, 0], n)
        return super().quick(twice)

    def final(self, outputs: Outputs, seed: int) -> dict[str, float | str | None]:
        return {**super().final(outputs, seed), **self._closure(outputs, seed)}

    @staticmethod
    def _closure(outputs: Outputs, seed: int) -> dict[str, float | str | None]:
        if "sample_scores" not in outputs:
            return {}
        background = outputs["label"] == 0
        scores = [outputs[name][background, 1].astype(np.float64) for name in ("scores", "sample_scores")]
        n = int(background.sum())
        if not n:
            return {"closure_auc": None}
        curve = Roc(np.concatenate(scores), np.repeat([True, False], n))
        return with_errors({"closure_auc": lambda w: area(*curve.counts(np.tile(w, 2)))}, n, seed)
