"""The distribution of a score with a systematic variation, and their ratio."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hepexp.evaluation.templates import Template
from hepexp.figures import COLOURS, figure, legend_above


def template(path: Path | str, found: Template, varied: str, class_names: tuple[str, ...]) -> None:
    """Draw a panel for each class of examples: nominal with its errors, up and down; below, their ratios to nominal.

    Parameters
    ----------
    varied : name of what varies, among those of the template.
    """
    n = len(class_names)
    with figure(path, max(5.0, 3.4 * n), 4.6, f"score of {found.of}, {varied} varied") as drawing:
        panels = drawing.subplots(2, n, sharex=True, squeeze=False, height_ratios=(2, 1))
        middle = (found.edges[1:] + found.edges[:-1]) / 2
        mirrored = " (mirrored)" if varied in found.mirrored else ""
        for c, name in enumerate(class_names):
            upper, lower = panels[:, c]
            nominal, error = found.nominal[c], found.error[c]
            upper.errorbar(middle, nominal, error, fmt="o", color="black", markersize=2.5, label="nominal")
            shown = ((found.up[varied][c], "up", COLOURS[1]), (found.down[varied][c], f"down{mirrored}", COLOURS[0]))
            there = nominal > 0
            safe = np.where(there, nominal, np.nan)
            for values, text, colour in shown:
                upper.stairs(values, found.edges, color=colour, label=text)
                lower.stairs(values / safe, found.edges, color=colour, baseline=None)
            band = (1 + error / safe, found.edges)
            lower.stairs(*band, baseline=1 - error / safe, fill=True, color="0.85", zorder=0)
            lower.axhline(1, color="0.6", linestyle=":", linewidth=1.0)
            upper.set(ylabel=f"{name} examples")
            lower.set(xlabel=f"score of {found.of}", ylabel="ratio", xlim=(0, 1), ylim=(0.5, 1.5))
            legend_above(upper, 3)
