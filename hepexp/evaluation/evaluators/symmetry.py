"""Evaluator of LieGAN: critic, mismatch of distributions, and the generators."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from hepexp.evaluation.bootstrap import mean, mean_of, ones, with_errors
from hepexp.evaluation.evaluators.evaluator import Outputs, loss_figures, mean_loss
from hepexp.evaluation.evaluators.generators import GeneratorEvaluator
from hepexp.metric import Metric
from hepexp.symmetry.mismatch import Mismatch


class SymmetryEvaluator(GeneratorEvaluator):
    """Evaluates `vectors` and `transformed` (n, K, d), the critic's `logit` and `transformed_logit` (n,), and
    `model/generators` (c, d, d).

    See `GeneratorEvaluator` for what follows from the generators alone.
    """

    metrics = (
        Metric(
            "mismatch",
            "lower",
            "mismatch",
            "Energy distance between the examples of a class and the transformed ones, times the mean length, over "
            "the mean squared displacement: 0 if their distributions agree (Szekely and Rizzo, J. Stat. "
            "Plan. Inference 143, 1249).",
            range="about 0 for a symmetry; noise may make it negative",
            undefined="the generators move nothing",
        ),
        Metric(
            "critic_accuracy",
            "neither",
            "critic accuracy",
            "Fraction of original and transformed examples that the critic gets right; chance for a symmetry.",
            range="0 to 1; 0.5 is chance",
        ),
        Metric(
            "displacement",
            "neither",
            "displacement",
            "Mean of |g x - x| / |x|: how far the transformations move an example.",
            range=">= 0",
            each_epoch=False,
        ),
    )

    def quick(self, outputs: Outputs) -> dict[str, float]:
        return {
            "loss": mean_loss(outputs),
            "critic_accuracy": mean(_right(outputs), ones(len(outputs["index"]), outputs.get("weight"))),
            "mismatch": _mismatch(outputs).value(outputs.get("weight")),
            **self.angle_of_an_epoch(outputs["model/generators"]),
        }

    def final(self, outputs: Outputs, seed: int) -> dict[str, float | None]:
        mismatch, weight = _mismatch(outputs), outputs.get("weight")
        means = {"critic_accuracy": mean_of(_right(outputs)), "displacement": mean_of(_displacement(outputs))}
        return {
            **loss_figures(outputs, seed),
            **with_errors(means, len(outputs["index"]), seed, weight=weight),
            **with_errors(
                {"mismatch": mismatch.value}, mismatch.n, seed, weight=None if weight is None else weight[: mismatch.n]
            ),
            **self.of_generators(outputs["model/generators"]),
        }

    def table(self, outputs: Outputs, class_names: tuple[str, ...]) -> pa.Table:
        """Columns index, label and displacement of each example, and the critic's scores if the labels are known."""
        columns = {
            "index": outputs["index"].astype(np.int64),
            "label": outputs["label"].astype(np.int64),
            "displacement": _displacement(outputs),
        }
        for name, logit in (("score", "logit"), ("score_transformed", "transformed_logit")):
            if logit in outputs:
                columns[name] = 1 / (1 + np.exp(-outputs[logit].astype(np.float64)))
        return pa.table(columns)

    def figures(self, outputs: Outputs, class_names: tuple[str, ...], folder: Path, seed: int) -> None:
        from hepexp.evaluation import plots  # matplotlib takes a second to import

        self.draw_generators(outputs["model/generators"], folder)
        vectors = {"data": outputs["vectors"], "transformed": outputs["transformed"]}
        plots.transformed_vectors(folder / "transformed.png", vectors, outputs["label"], class_names)


def _right(outputs: Outputs) -> np.ndarray:
    """Fraction of correct answers of the critic for an example and its transformed copy, 0, 1/2 or 1 (n,)."""
    return ((outputs["logit"] > 0).astype(np.float64) + (outputs["transformed_logit"] <= 0)) / 2


def _displacement(outputs: Outputs) -> np.ndarray:
    """|g x - x| / |x| of each example (n,)."""
    x, moved = (
        outputs[name].reshape(len(outputs["index"]), -1).astype(np.float64) for name in ("vectors", "transformed")
    )
    length = np.linalg.norm(x, axis=1)
    return np.linalg.norm(moved - x, axis=1) / np.where(length > 0, length, 1)


def _mismatch(outputs: Outputs) -> Mismatch:
    return Mismatch(outputs["vectors"], outputs["transformed"], outputs["label"])
