"""The anomaly search of an autoencoder: its error for seen and unseen classes, and the ROC curve of every score."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from hepexp.evaluation.bootstrap import error_of, ones, replicas
from hepexp.evaluation.quantiles import reach
from hepexp.evaluation.roc import Roc, area, efficiencies
from hepexp.evaluation.rounding import with_error
from hepexp.figures import COLOURS, class_name, figure, legend_above


def anomaly(
    path: Path | str,
    scores: Mapping[str, np.ndarray],
    unseen: np.ndarray,
    label: np.ndarray,
    class_names: tuple[str, ...] = (),
    n_bootstrap: int = 200,
    seed: int = 0,
    weight: np.ndarray | None = None,
    quantity: str = "error of the reconstruction (mean over pixels)",
    noun: str = "images",
    log: bool = True,
) -> None:
    """Draw the first score by class, and for all scores the ROC curve of anomalies against the rest.

    Parameters
    ----------
    scores : (n,) each, higher for more anomalous examples.
    unseen : (n,) True for anomalies.
    weight : (n,) of the examples, if any.
    quantity : what the first score is.
    noun : what examples are called, in the plural.
    log : whether the axis of the first score is logarithmic.
    """
    with figure(path, 9.4, 5.0, "anomaly search: classes absent from training") as drawing:
        left, right = drawing.subplots(1, 2)
        each = ones(len(label), weight)
        score = next(iter(scores.values()))
        positive = score > 0
        of_positive = None if weight is None else weight[positive]
        low, high = reach(score[positive], (0.005, 0.995), of_positive) if positive.any() else (0.1, 1)
        edges = (np.geomspace if log else np.linspace)(low, max(high, 1.001 * low), 31)
        for c in np.unique(label):
            chosen = label == c
            content, _ = np.histogram(score[chosen], bins=edges, weights=each[chosen])
            kind = "anomaly" if unseen[chosen].all() else "trained on"
            text = f"{class_name(class_names, int(c))} ({kind})"
            colour = COLOURS[int(c) % len(COLOURS)]
            left.stairs(content / (each[chosen].sum() or 1), edges, color=colour, linewidth=1.6, label=text)
        left.set(xlabel=quantity, ylabel=f"fraction of {noun}", xscale="log" if log else "linear")
        left.set_ylim(0, None)
        legend_above(left, 1)
        for k, (name, score) in enumerate(scores.items()):
            curve = Roc(score, unseen)
            found, kept = curve.counts(each)
            n = len(score)
            error, _ = error_of([area(*curve.counts(w)) for w in replicas(n, n_bootstrap, seed, weight)], n)
            text = f"{name}: AUC {with_error(area(found, kept), error)}"
            right.plot(*efficiencies(found, kept)[::-1], color=COLOURS[k % len(COLOURS)], label=text)
        right.plot((0, 1), (0, 1), color="0.6", linestyle=":", linewidth=1.2)
        right.set(
            xlabel="efficiency for classes in training", ylabel="efficiency for anomalies", xlim=(0, 1), ylim=(0, 1)
        )
        legend_above(right)
