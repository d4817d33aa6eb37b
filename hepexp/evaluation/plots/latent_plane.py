"""A latent plane in which images rotate."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hepexp.evaluation.quantiles import reach
from hepexp.figures import COLOURS, class_name, figure, legend_above

MOST = 4000  # examples that are drawn: more would hide each other


def latent_plane(
    path: Path | str, z: np.ndarray, label: np.ndarray, rotation_deg: np.ndarray, class_names: tuple[str, ...] = ()
) -> None:
    """Draw the first two latent variables twice: coloured by class, and by the rotation of the image.

    Parameters
    ----------
    z : (n, d) of the rotated images; label and rotation_deg : (n,).
    """
    z, label, rotation_deg = z[:MOST], label[:MOST], rotation_deg[:MOST]
    with figure(path, 9.4, 4.6, "latent plane of rotated images") as drawing:
        left, right = drawing.subplots(1, 2)
        for c in np.unique(label):
            name = class_name(class_names, int(c))
            colour = COLOURS[int(c) % len(COLOURS)]
            left.scatter(*z[label == c, :2].T, s=5, alpha=0.6, linewidths=0, color=colour, label=name)
        legend_above(left)
        for handle in left.get_legend().legend_handles:
            handle.set(sizes=[36], alpha=1)
        points = right.scatter(*z[:, :2].T, s=5, linewidths=0, c=rotation_deg, cmap="twilight", vmin=0, vmax=360)
        drawing.colorbar(points, ax=right, label="rotation of the image [degrees]", ticks=range(0, 361, 60))
        for axes in (left, right):
            axes.plot(0, 0, "+", color="black", markersize=8)
            axes.locator_params(nbins=5)
            axes.set(xlabel="$z_1$", ylabel="$z_2$", aspect="equal", adjustable="datalim")


def angle_error(
    path: Path | str, error_deg: np.ndarray, rotation_deg: np.ndarray, weight: np.ndarray | None = None
) -> None:
    """Draw the median and the central 68 % of the error of the latent rotation (n,) for each rotation angle (n,)."""
    angles = np.unique(rotation_deg)
    chosen = [rotation_deg == t for t in angles]
    weights = [None if weight is None else weight[own] for own in chosen]
    levels = (0.16, 0.5, 0.84)
    rows = [reach(error_deg[own], levels, of_own) for own, of_own in zip(chosen, weights, strict=True)]
    low, middle, high = np.stack(rows, axis=1)
    mean = np.average(error_deg, weights=weight)
    with figure(path, title="error of the rotation in the latent plane") as drawing:
        axes = drawing.subplots()
        axes.errorbar(angles, middle, (middle - low, high - middle), fmt="o", color=COLOURS[0], label="median, 68 %")
        axes.axhline(mean, color=COLOURS[1], linestyle="--", label=f"mean {mean:.1f}°")
        axes.set(xlabel="rotation of the image [degrees]", ylabel="error in the latent plane [degrees]", ylim=(0, None))
        legend_above(axes)
