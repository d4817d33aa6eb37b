"""Evaluator of jet assignment: how often the jets of one top, or of both, are found."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from hepexp.evaluation.bootstrap import ones, ratio
from hepexp.evaluation.evaluators.evaluator import Outputs
from hepexp.evaluation.evaluators.of_weights import EvaluatorOfWeights
from hepexp.metric import Metric

MULTIPLICITIES = {"6_jets": (6, 6), "7_jets": (7, 7), "8_jets": (8, 10**9)}  # the last: 8 or more
UNDEFINED = "no event has both tops complete"


class AssignmentEvaluator(EvaluatorOfWeights):
    """Compares found triplets of jets with the true ones, in either order of the tops.

    Columns: `found` and `true` (n, 2, 3), places of the two jets of the W, in rising order, and of the bottom quark, -1
    for none; `complete` (n, 2); `n_jets` (n,); `mass_w` and `mass_top` (n, 2), GeV.
    """

    metrics = (
        Metric(
            "event_efficiency",
            "higher",
            "events right",
            "Fraction of the events with two complete tops in which the jets of both are found.",
            range="0 to 1",
            undefined=UNDEFINED,
            column=True,
        ),
        Metric(
            "event_efficiency_{jets}",
            "higher",
            "events right, {jets}",
            "The same, of events with {jets}; 8_jets are 8 or more (arXiv:2106.03898, table 1).",
            range="0 to 1",
            undefined=UNDEFINED,
            each_epoch=False,
            column=True,
            values=("6_jets", "7_jets", "8_jets"),
        ),
        Metric(
            "top_efficiency",
            "higher",
            "tops right",
            "Fraction of the complete tops of which the jets are found, also in events with only one.",
            range="0 to 1",
            undefined="no top is complete",
            column=True,
        ),
        Metric(
            "complete_fraction",
            "neither",
            "events complete",
            "Fraction of the events of which both tops are complete: all six jets are there.",
            range="0 to 1",
            each_epoch=False,
        ),
    )

    def _figures(self, outputs: Outputs) -> dict[str, Callable[[NDArray], float]]:
        right, complete = right_tops(outputs["found"], outputs["true"]), outputs["complete"].astype(bool)
        both, jets = np.all(complete, axis=1), outputs["n_jets"]
        event = (right.sum(1) == 2).astype(np.float64)
        figures = {"event_efficiency": ratio(event * both, both.astype(np.float64))}
        for name, (low, high) in MULTIPLICITIES.items():
            chosen = (both & (jets >= low) & (jets <= high)).astype(np.float64)
            figures[f"event_efficiency_{name}"] = ratio(event * chosen, chosen)
        figures["top_efficiency"] = ratio(right.sum(1).astype(np.float64), complete.sum(1).astype(np.float64))
        figures["complete_fraction"] = ratio(both.astype(np.float64), np.ones(len(both)))
        return figures

    def table(self, outputs: Outputs, class_names: tuple[str, ...]) -> pa.Table:
        """Columns index, n_jets, log_probability, and for either top its jets, masses and, if known, its true jets."""
        columns = {"index": pa.array(outputs["index"].astype(np.int64))}
        for name in ("n_jets", "log_probability"):
            columns[name] = pa.array(outputs[name])
        for t in range(2):
            for key, word in (("found", ""), ("true", "true_")):
                if key in outputs:
                    for j, jet in enumerate(("q1", "q2", "b")):
                        columns[f"{word}t{t + 1}_{jet}"] = pa.array(outputs[key][:, t, j].astype(np.int32))
            for name in ("mass_w", "mass_top"):
                if name in outputs:
                    columns[f"t{t + 1}_{name}"] = pa.array(outputs[name][:, t])
        return pa.table(columns)

    def figures(self, outputs: Outputs, class_names: tuple[str, ...], folder: Path, seed: int) -> None:
        from hepexp.evaluation import plots  # matplotlib takes a second to import

        weight = ones(len(outputs["index"]), outputs.get("weight"))
        complete = outputs["complete"].astype(bool)
        right = right_tops(outputs["found"], outputs["true"], of_network=True)
        both = np.all(complete, axis=1)
        plots.assignment_efficiency(
            folder / "event_efficiency.png",
            outputs["n_jets"][both],
            (right_tops(outputs["found"], outputs["true"]).sum(1) == 2)[both],
            weight[both],
        )
        known = both[:, None] & np.all(outputs["found"] >= 0, axis=2)
        plots.assigned_masses(folder / "masses.png", outputs["mass_w"][known], outputs["mass_top"][known], right[known])


def right_tops(found: NDArray, true: NDArray, of_network: bool = False) -> NDArray[np.bool_]:
    """Which tops (n, 2) have their jets found, in the order of the tops that finds more.

    Parameters
    ----------
    found, true : (n, 2, 3) places of jets, -1 for none.
    of_network : in the order of the found triplets, instead of the true ones.
    """
    same = np.all(found[:, :, None] == true[:, None], axis=-1) & np.all(true >= 0, axis=-1)[:, None]  # (n, found, true)
    straight, crossed = np.stack([same[:, 0, 0], same[:, 1, 1]], 1), np.stack([same[:, 1, 0], same[:, 0, 1]], 1)
    turned = crossed.sum(1) > straight.sum(1)
    if of_network:
        crossed = crossed[:, ::-1]
    return np.where(turned[:, None], crossed, straight)
