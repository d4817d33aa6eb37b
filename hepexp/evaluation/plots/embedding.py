"""An embedding in the plane of its two largest principal components."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hepexp.figures import COLOURS, class_name, figure, legend_above

LAYOUT = 3  # of the legend
MOST = 3000  # examples that are drawn: more would hide each other


def embedding_map(
    path: Path | str,
    embedding: np.ndarray,
    label: np.ndarray,
    class_names: tuple[str, ...] = (),
    title: str = "embedding: first two principal components",
) -> None:
    """Draw examples at their first two principal components, coloured by class.

    Parameters
    ----------
    embedding : (n, D); label : (n,).
    """
    centred = embedding[:MOST].astype(np.float64) - embedding[:MOST].mean(0)
    _, singular, directions = np.linalg.svd(centred, full_matrices=False)
    share = singular**2 / max(float((singular**2).sum()), np.finfo(float).tiny)
    place = centred @ directions[:2].T
    if place.shape[1] < 2:
        place, share = np.pad(place, ((0, 0), (0, 1))), np.pad(share, (0, 1))
    size = np.clip(12_000 / max(len(place), 1), 4, 25)
    with figure(path, 5.4, 4.6 + 0.17 * (len(np.unique(label)) // LAYOUT), title) as drawing:
        axes = drawing.subplots()
        for c in np.unique(label):
            chosen = label[:MOST] == c
            name = f"{class_name(class_names, int(c))} ({chosen.sum():,})"
            axes.scatter(*place[chosen].T, s=size, alpha=0.5, linewidths=0, color=COLOURS[c % len(COLOURS)], label=name)
        axes.set(xlabel=f"component 1 ({share[0]:.0%} of the variance)", ylabel=f"component 2 ({share[1]:.0%})")
        legend_above(axes, LAYOUT)
        for handle in axes.get_legend().legend_handles:
            handle.set(sizes=[36], alpha=1)
