"""Evaluator of autoencoders of rotated images: reconstruction errors, and whether the latent plane rotates too."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from hepexp.evaluation.bootstrap import mean_of
from hepexp.evaluation.evaluators.evaluator import Outputs
from hepexp.evaluation.evaluators.of_weights import EvaluatorOfWeights
from hepexp.evaluation.evaluators.reconstruction import OVER_BASELINE, RECONSTRUCTION_MSE
from hepexp.metric import Metric


class EquivarianceEvaluator(EvaluatorOfWeights):
    """Evaluates images and their rotated copies.

    `mse` and `baseline_mse` (n, C) are those of the reconstruction and of the mean image; `turned_mse` and
    `turned_baseline_mse` those of the rotated images; `angle_error_deg` (n,) is the angle between the rotation of the
    latent plane and that of the image, 90 by chance; `latent_error` (n,) the distance between the latents, including
    their lengths; `turn_deg` (n,), `embedding` and `turned_embedding` (n, d) are for the figures.
    """

    metrics = (
        RECONSTRUCTION_MSE,
        Metric(
            "reconstruction_mse_turned",
            "lower",
            "reconstruction MSE (rotated)",
            "Mean squared difference between a rotated image and its reconstruction.",
            range=">= 0, in squared units of a pixel",
        ),
        Metric(
            "reconstruction_mse_sum",
            "lower",
            "reconstruction MSE (sum)",
            "Sum of the mean squared errors of an image and of the rotated image.",
            range=">= 0, in squared units of a pixel",
        ),
        Metric(
            "baseline_mse_sum",
            "neither",
            "MSE of the mean images (sum)",
            "reconstruction_mse_sum of the mean of the upright training images and that of the rotated ones.",
            range=">= 0, in squared units of a pixel",
        ),
        OVER_BASELINE,
        Metric(
            "angle_error_deg",
            "lower",
            "angle error (deg)",
            "Mean absolute angle between the rotation of the latent plane and that of the image.",
            latex=r"angle error ($^\circ$)",
            range="0 to 180; 90 is chance",
        ),
        Metric(
            "latent_error",
            "lower",
            "latent error",
            "Mean of |a - b|^2 / (|a|^2 + |b|^2), a the rotated latents of an image and b those of the rotated image.",
            range="0 to 2; 1 is chance",
        ),
    )

    def _figures(self, outputs: Outputs) -> dict[str, Callable[[NDArray], float]]:
        mse, turned_mse = outputs["mse"].mean(1), outputs["turned_mse"].mean(1)
        baseline = outputs["baseline_mse"].mean(1) + outputs["turned_baseline_mse"].mean(1)
        both, baseline = (values.astype(np.float64) for values in (mse + turned_mse, baseline))
        return {
            "reconstruction_mse": mean_of(mse),
            "reconstruction_mse_turned": mean_of(turned_mse),
            "reconstruction_mse_sum": mean_of(both),
            "baseline_mse_sum": mean_of(baseline),
            "reconstruction_over_baseline": lambda weight: float(weight @ both / (weight @ baseline)),
            "angle_error_deg": mean_of(outputs["angle_error_deg"]),
            "latent_error": mean_of(outputs["latent_error"]),
        }

    def table(self, outputs: Outputs, class_names: tuple[str, ...]) -> pa.Table:
        """Columns index, label, rotation angle, errors and latent variables of each image."""
        columns = {
            "index": outputs["index"].astype(np.int64),
            "label": outputs["label"].astype(np.int64),
            "turn_deg": outputs["turn_deg"],
            "angle_error_deg": outputs["angle_error_deg"],
            "reconstruction_error": outputs["mse"].mean(1),
            "turned_reconstruction_error": outputs["turned_mse"].mean(1),
        }
        for name in ("embedding", "turned_embedding"):
            columns |= {f"{name}_{k}": values for k, values in enumerate(outputs[name].T)}
        return pa.table(columns)

    def figures(self, outputs: Outputs, class_names: tuple[str, ...], folder: Path, seed: int) -> None:
        from hepexp.evaluation import plots  # matplotlib takes a second to import

        turn = outputs["turn_deg"]
        plots.latent_plane(folder / "latent.png", outputs["turned_embedding"], outputs["label"], turn, class_names)
        plots.angle_error(folder / "angle_error.png", outputs["angle_error_deg"], turn, outputs.get("weight"))
        if "gallery/input" in outputs:
            kinds = ("input", "reconstruction", "turned", "turned_reconstruction")
            names = [kind.replace("turned", "rotated").replace("_", "\n") for kind in kinds]
            rows = {name: outputs[f"gallery/{kind}"] for name, kind in zip(names, kinds, strict=True)}
            plots.image_rows(folder / "reconstructions.png", rows)
