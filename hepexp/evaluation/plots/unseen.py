"""The doubt of predictions for known and for unseen classes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hepexp.figures import COLOURS, figure, legend_above


def unseen(path: Path | str, known: Mapping[str, NDArray], other: Mapping[str, NDArray], names: str) -> None:
    """Draw a panel for each measure of doubt (n,), of known examples and of those of unseen classes.

    Parameters
    ----------
    names : of the unseen classes.
    """
    with figure(path, 3.6 * len(known), 3.8, f"doubt for classes of the training, and for {names}") as drawing:
        panels = drawing.subplots(1, len(known), squeeze=False)[0]
        for axes, (measure, ours) in zip(panels, known.items(), strict=True):
            both = np.concatenate([ours, other[measure]])
            edges = np.linspace(both.min(), max(both.max(), both.min() + 1e-9), 41)
            for values, text, colour in ((ours, "known", COLOURS[0]), (other[measure], names, COLOURS[1])):
                content = np.histogram(values, edges)[0] / len(values)
                axes.stairs(content, edges, color=colour, label=text, linewidth=1.6)
            unit = "1 - largest probability" if measure == "one_minus_max" else f"{measure} (nats)"
            axes.set(xlabel=unit, ylabel="fraction of examples", yscale="log")
            legend_above(axes)
