"""Evaluator of networks that follow the constituents of a jet: their errors, their surprise, and anomalies."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa

from hepexp.evaluation.anomaly import anomaly_aucs, is_unseen
from hepexp.evaluation.bootstrap import mean_of
from hepexp.evaluation.evaluators.evaluator import Outputs
from hepexp.evaluation.evaluators.of_weights import EvaluatorOfWeights
from hepexp.metric import Metric


class SequenceEvaluator(EvaluatorOfWeights):
    """Evaluates `error`, `kl`, `multiplicity` and `mass` (n,) of jets.

    If training saw only some of the classes, the others are the signal of an anomaly search. Its score is 1 - exp(-kl);
    beside it there are the error of the reconstruction and two scores that need no network.
    """

    metrics = (
        Metric(
            "constituent_error",
            "lower",
            "error of constituents",
            "Squared distance of a standardised constituent from its reconstruction, mean over constituents and jets.",
            range=">= 0; 3 if nothing is reconstructed",
        ),
        Metric(
            "surprise",
            "lower",
            "KL from the learnt prior",
            "KL divergence in nat of the latent variables of a constituent from what those before it let expect, mean "
            "over constituents, by their share of pT with loss.weighted, and over jets.",
            range=">= 0",
        ),
        Metric(
            "anomaly_auc",
            "higher",
            "anomaly AUC",
            "Area under the ROC curve of 1 - exp(-KL), with the classes absent from training as signal.",
            range="0 to 1; 0.5 is chance",
            column=True,
        ),
        Metric(
            "anomaly_auc_{score}",
            "higher",
            "anomaly AUC ({score})",
            "Area under the ROC curve for unseen classes of `{score}`: reconstruction (squared error of the "
            "constituents), and, without a network, multiplicity (number of particles) and mass (of the jet).",
            range="0 to 1; 0.5 is chance",
            values=("reconstruction", "multiplicity", "mass"),
        ),
    )
    references = 1000

    def table(self, outputs: Outputs, class_names: tuple[str, ...]) -> pa.Table:
        """Columns index, label, and the scores, of each jet."""
        columns = {name: outputs[name].astype(np.int64) for name in ("index", "label")}
        return pa.table(columns | {f"score_{name}": values for name, values in scores(outputs).items()})

    def figures(self, outputs: Outputs, class_names: tuple[str, ...], folder: Path, seed: int) -> None:
        from hepexp.evaluation import plots  # matplotlib takes a second to import

        unseen = is_unseen(outputs)
        if not unseen.any() or unseen.all():
            return
        weight, quantity = outputs.get("weight"), "anomaly score 1 - exp(-KL)"
        plots.anomaly(
            folder / "anomaly.png",
            scores(outputs),
            unseen,
            outputs["label"],
            class_names,
            seed=seed,
            weight=weight,
            quantity=quantity,
            noun="jets",
            log=False,
        )

    def _figures(self, outputs: Outputs) -> dict[str, Callable[[np.ndarray], float]]:
        found = {"constituent_error": mean_of(outputs["error"]), "surprise": mean_of(outputs["kl"])}
        return found | anomaly_aucs(outputs, scores(outputs))


def scores(outputs: Outputs) -> dict[str, np.ndarray]:
    """Scores (n,), higher for more anomalous jets; the first is that of the network."""
    return {
        "kl": -np.expm1(-outputs["kl"].astype(np.float64)),
        "reconstruction": outputs["error"].astype(np.float64),
        "multiplicity": outputs["multiplicity"].astype(np.float64),
        "mass": outputs["mass"].astype(np.float64),
    }
