"""The background's mass before and after cuts on the score."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from hepexp.figures import COLOURS, class_name, figure, legend_above


def background_mass(
    path: Path | str,
    mass: np.ndarray,
    chosen: Mapping[str, np.ndarray],
    weight: np.ndarray,
    edges: np.ndarray,
    class_names: tuple[str, ...],
    signal: int,
) -> None:
    """Draw the mass of chosen background examples, each distribution normalised to unit area.

    The error of a bin is sqrt(sum w^2).

    Parameters
    ----------
    mass : (n,) in GeV; weight : (n,).
    chosen : (n,) bool for each name: the background that passes a cut.
    edges : of the bins.
    signal : label of the class for which the cut selects.
    """
    title = f"mass of the background of {class_name(class_names, signal)}, normalised to unit area"
    with figure(path, 5.0, 4.2, title) as drawing:
        axes = drawing.subplots()
        for colour, (name, some) in zip(COLOURS, chosen.items(), strict=False):
            inside = np.clip(mass[some], edges[0], edges[-1])
            content, squares = (np.histogram(inside, edges, weights=w)[0] for w in (weight[some], weight[some] ** 2))
            scale = content.sum() * np.diff(edges)
            if content.sum() <= 0:
                continue
            axes.stairs(content / scale, edges, color=colour, label=f"{name} ({some.sum():,})")
            middle = (edges[1:] + edges[:-1]) / 2
            axes.errorbar(middle, content / scale, np.sqrt(squares) / scale, fmt="none", color=colour, linewidth=0.8)
        axes.set(xlabel="mass (GeV)", ylabel="density (1/GeV)", xlim=(edges[0], edges[-1]))
        axes.set_ylim(0, None)
        legend_above(axes, 2)
