"""Evaluator of densities: their likelihood, and whether their samples can be told from examples."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from hepexp.evaluation.bootstrap import with_errors
from hepexp.evaluation.evaluators.evaluator import Evaluator, Outputs, loss_figures, mean_loss
from hepexp.evaluation.roc import Roc, area
from hepexp.metric import Metric

if TYPE_CHECKING:
    from hepexp.batch import DataSpec
    from hepexp.evaluation.options import EvaluationOptions

TREES, LEAVES = 60, 15
MOST = 20_000  # examples that are compared with as many samples
FEWEST = 40


class DensityEvaluator(Evaluator):
    """Evaluates `log_prob` (n,), and `features` and `sample` (n, F), a sample of the density for each example.

    Samples are compared with the examples of the first class: the background, whose density is looked for.
    """

    names: tuple[str, ...] = ()  # of the features, once the run has said them
    metrics = (
        Metric(
            "sample_auc",
            "neither",
            "AUC examples/samples",
            "Area under the ROC curve of boosted trees that tell examples of the first class from samples of the "
            "density, each half judged by those trained on the other (arXiv:1610.06545).",
            range="0 to 1; 0.5 if they cannot be told apart",
            undefined="there are fewer than 40 examples of the first class",
            each_epoch=False,
        ),
    )

    def with_options(self, options: EvaluationOptions, spec: DataSpec) -> Self:
        own = super().with_options(options, spec)
        own.names = spec.feature_names
        return own

    def quick(self, outputs: Outputs) -> dict[str, float]:
        return {"loss": mean_loss(outputs)}

    def final(self, outputs: Outputs, seed: int) -> dict[str, float | str | None]:
        first = np.flatnonzero(outputs["label"] == 0)[:MOST]
        found = loss_figures(outputs, seed)
        if len(first) < FEWEST:
            return {**found, "sample_auc": None}
        curve = told_apart(outputs["features"][first], outputs["sample"][first], seed)
        return found | with_errors({"sample_auc": lambda w: area(*curve.counts(np.tile(w, 2)))}, len(first), seed)

    def table(self, outputs: Outputs, class_names: tuple[str, ...]) -> pa.Table:
        """Columns index, label, log_prob and, of a test, sample_NAME of each example for each feature."""
        columns = {name: outputs[name].astype(np.int64) for name in ("index", "label")}
        columns["log_prob"] = outputs["log_prob"]
        for k, values in enumerate(outputs["sample"].T if "sample" in outputs else ()):
            columns[f"sample_{self.names[k] if k < len(self.names) else k + 1}"] = values
        return pa.table(columns)

    def figures(self, outputs: Outputs, class_names: tuple[str, ...], folder: Path, seed: int) -> None:
        from hepexp.evaluation import plots  # matplotlib takes a second to import

        first = outputs["label"] == 0
        if first.any():
            plots.samples(folder / "samples.png", outputs["features"][first], outputs["sample"][first], self.names)


def told_apart(examples: NDArray, samples: NDArray, seed: int) -> Roc:
    """The ROC curve of boosted trees for examples (n, F), the signal, before samples (n, F).

    Example and sample i are in the same half; a score is that of the trees that have seen the other half.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier  # takes a second to import

    n = len(examples)
    x, which = np.concatenate([examples, samples]).astype(np.float64), np.repeat([True, False], n)
    half = np.tile(np.random.default_rng(seed).permutation(np.arange(n) % 2), 2)
    score = np.zeros(2 * n)
    for one in (0, 1):
        keys = {"max_iter": TREES, "max_leaf_nodes": LEAVES, "early_stopping": False, "random_state": seed}
        trees = HistGradientBoostingClassifier(**keys).fit(x[half == one], which[half == one])
        score[half != one] = trees.decision_function(x[half != one])
    return Roc(score, which)
