"""Evaluator of learnt generators: critic, mismatch of distributions, angle to an algebra, invariant metric."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from hepexp.evaluation.bootstrap import mean, mean_of, ones, with_errors
from hepexp.evaluation.evaluators.evaluator import Evaluator, Outputs, loss_figures, mean_loss
from hepexp.metric import Metric
from hepexp.symmetry.algebra import Algebra, principal_angles, random_angle
from hepexp.symmetry.metric_tensor import MetricTensor, metric_of, traceless
from hepexp.symmetry.mismatch import Mismatch

OF_GENERATORS = "a property of the generators: see the spread over seeds"


class SymmetryEvaluator(Evaluator):
    """Evaluates `vectors` and `transformed` (n, K, d), the critic's `logit` and `transformed_logit` (n,), and
    `model/generators` (c, d, d).

    Figures of the generators themselves have no bootstrap error, as they do not depend on the test examples: their
    uncertainty is the spread over seeds.

    Parameters
    ----------
    algebra : Lie algebra that the generators are compared with, or None.
    tolerance : largest ratio of the smallest to the largest singular value at which a metric counts as invariant.
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
        Metric(
            "angle_error_deg",
            "lower",
            "angle error (deg)",
            "Largest principal angle between the learnt generators and the algebra of loss.compare_with.",
            latex=r"angle error ($^\circ$)",
            range="0 to 90",
            no_error=OF_GENERATORS,
        ),
        Metric(
            "symmetry/angle_error_deg",
            "lower",
            "angle error (deg)",
            "Largest principal angle between the learnt generators and the algebra of loss.compare_with.",
            latex=r"angle error ($^\circ$)",
            range="0 to 90",
            column=True,
            no_error=OF_GENERATORS,
        ),
        Metric(
            "symmetry/angle_mean_deg",
            "lower",
            "mean angle (deg)",
            "Mean of the principal angles between the learnt generators and the algebra of loss.compare_with.",
            latex=r"mean angle ($^\circ$)",
            range="0 to 90",
            no_error=OF_GENERATORS,
        ),
        Metric(
            "symmetry/angle_of_random_deg",
            "neither",
            "angle of random generators (deg)",
            "Median of symmetry/angle_error_deg for the same number of random generators: the angle to beat.",
            latex=r"angle of random generators ($^\circ$)",
            range="0 to 90",
            no_error=OF_GENERATORS,
        ),
        Metric(
            "symmetry/metric_exists",
            "neither",
            "invariant metric",
            "1 if the learnt generators leave a metric J invariant, L^T J + J L = 0 within the tolerance, otherwise 0.",
            range="0 or 1",
            whole=True,
            no_error=OF_GENERATORS,
        ),
        Metric(
            "symmetry/metric_smallest_singular_value",
            "lower",
            "smallest singular value",
            "Smallest over largest singular value of J -> L^T J + J L: 0 if a metric is invariant, 1 if all matrices "
            "are equally far from it.",
            range="0 to 1",
            no_error=OF_GENERATORS,
        ),
        Metric(
            "symmetry/metric_J_{ab}",
            "neither",
            "J_{ab}",
            "Element {ab} of the metric that comes closest to being invariant, with Frobenius norm sqrt(n).",
            latex=r"$J_{{ab}}$",
            range="-sqrt(n) to sqrt(n) for n x n matrices",
            no_error=OF_GENERATORS,
        ),
        Metric(
            "symmetry/metric_angle_deg",
            "lower",
            "metric angle (deg)",
            "Angle between the metric that comes closest to being invariant and that of loss.compare_with.",
            latex=r"metric angle ($^\circ$)",
            range="0 to 90",
            no_error=OF_GENERATORS,
        ),
        Metric(
            "symmetry/conformal_smallest_singular_value",
            "lower",
            "smallest singular value (conformal)",
            "symmetry/metric_smallest_singular_value of the generators without their dilations, which only scale a "
            "metric.",
            range="0 to 1",
            no_error=OF_GENERATORS,
        ),
        Metric(
            "symmetry/conformal_angle_deg",
            "lower",
            "conformal angle (deg)",
            "symmetry/metric_angle_deg of the generators without their dilations.",
            latex=r"conformal angle ($^\circ$)",
            range="0 to 90",
            no_error=OF_GENERATORS,
        ),
    )

    def __init__(self, algebra: Algebra | None, tolerance: float = 0.05):
        self.algebra = algebra
        self.tolerance = tolerance

    def quick(self, outputs: Outputs) -> dict[str, float]:
        angle = {} if self.algebra is None else {"angle_error_deg": self._angles(outputs)[-1]}
        return {
            "loss": mean_loss(outputs),
            "critic_accuracy": mean(_right(outputs), ones(len(outputs["index"]), outputs.get("weight"))),
            "mismatch": _mismatch(outputs).value(outputs.get("weight")),
            **angle,
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
            **self._of_generators(outputs),
        }

    def _of_generators(self, outputs: Outputs) -> dict[str, float | None]:
        found = self._metric(outputs)
        conformal = metric_of(traceless(outputs["model/generators"]), self.tolerance)
        n = len(found.nearest)
        figures: dict[str, float | None] = {
            "symmetry/metric_exists": int(found.J is not None),
            "symmetry/metric_smallest_singular_value": found.smallest,
            **{f"symmetry/metric_J_{a}{b}": float(found.nearest[a, b]) for a in range(n) for b in range(a, n)},
            "symmetry/conformal_smallest_singular_value": conformal.smallest,
        }
        if self.algebra is not None:
            angles = self._angles(outputs)
            figures["symmetry/angle_error_deg"] = float(angles[-1])
            figures["symmetry/angle_mean_deg"] = float(angles.mean())
            channels = len(outputs["model/generators"])
            figures["symmetry/angle_of_random_deg"] = random_angle(self.algebra, channels)
            figures["symmetry/metric_angle_deg"] = found.angle_to(self.algebra.metric)
            figures["symmetry/conformal_angle_deg"] = conformal.angle_to(self.algebra.metric)
        return figures

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

        reference = None if self.algebra is None else (self.algebra.name, self.algebra.metric)
        plots.generators(folder / "generators.png", outputs["model/generators"])
        plots.metric(folder / "metric.png", self._metric(outputs), reference)
        vectors = {"data": outputs["vectors"], "transformed": outputs["transformed"]}
        plots.transformed_vectors(folder / "transformed.png", vectors, outputs["label"], class_names)

    def _metric(self, outputs: Outputs) -> MetricTensor:
        return metric_of(outputs["model/generators"], self.tolerance)

    def _angles(self, outputs: Outputs) -> np.ndarray:
        """Angles to the algebra; 90 degrees where the generators vanish."""
        angles = principal_angles(outputs["model/generators"], self.algebra.basis)
        return angles if len(angles) else np.array([90.0])


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
