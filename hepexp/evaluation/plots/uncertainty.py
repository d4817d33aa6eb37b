"""Whether a network that doubts is more often wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hepexp.evaluation.bootstrap import ones
from hepexp.figures import COLOURS, figure, legend_above

LEAST_KEPT = 0.02  # of the examples: an accuracy of fewer is noise


def uncertainty(
    path: Path | str, aleatoric: NDArray, epistemic: NDArray, right: NDArray, weight: NDArray | None = None
) -> None:
    """Draw the epistemic uncertainty of right and wrong examples, and the accuracy of the least uncertain ones.

    Parameters
    ----------
    aleatoric, epistemic : (n,) in nats; right : (n,) bool, whether an example is classified correctly.
    weight : (n,) of the examples, if any.
    """
    weight = ones(len(right), weight).astype(np.float64)
    with figure(path, 8.4, 3.8, "uncertainty of each example, and what it says") as drawing:
        left, kept = drawing.subplots(1, 2)
        positive = epistemic[epistemic > 0]
        low, high = np.quantile(positive, (0.005, 1)) if len(positive) else (1e-6, 1)
        edges = np.geomspace(min(low, high / 10), high, 41)
        for name, which, colour in (("classified correctly", right, COLOURS[0]), ("wrongly", ~right, COLOURS[1])):
            counts, _ = np.histogram(np.clip(epistemic[which], edges[0], None), edges, weights=weight[which])
            left.stairs(counts / max(weight[which].sum(), 1e-12), edges, color=colour, label=name, linewidth=1.6)
        left.set(xscale="log", xlabel="epistemic uncertainty (nats)", ylabel="fraction of examples")
        legend_above(left)
        for name, doubt, colour in (
            ("by aleatoric + epistemic", aleatoric + epistemic, COLOURS[0]),
            ("by epistemic", epistemic, COLOURS[1]),
        ):
            order = np.argsort(doubt, kind="stable")
            total = np.cumsum(weight[order])
            accuracy = np.cumsum((weight * right)[order]) / np.where(total > 0, total, np.nan)
            share = total / total[-1]
            shown = share >= LEAST_KEPT
            kept.plot(share[shown], accuracy[shown], color=colour, label=name)
        kept.set(xlabel="fraction of examples kept, the least uncertain", ylabel="accuracy", xlim=(0, 1))
        legend_above(kept)
