"""A latent plane in which images turn."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hepexp.figures import COLOURS, class_name, figure, legend_above

MOST = 4000  # examples that are drawn: more hide each other


def latent_plane(
    path: Path | str, z: np.ndarray, label: np.ndarray, turn_deg: np.ndarray, class_names: tuple[str, ...] = ()
) -> None:
    """Draw the first two latent variables twice: coloured by class, and by the turn of the image.

    Parameters
    ----------
    z : (n, d) of the turned images; label and turn_deg : (n,).
    """
    z, label, turn_deg = z[:MOST], label[:MOST], turn_deg[:MOST]
    with figure(path, 9.4, 4.6, "latent plane of rotated images") as drawing:
        left, right = drawing.subplots(1, 2)
        for c in np.unique(label):
            name = class_name(class_names, int(c))
            colour = COLOURS[int(c) % len(COLOURS)]
            left.scatter(*z[label == c, :2].T, s=5, alpha=0.6, linewidths=0, color=colour, label=name)
        legend_above(left)
        for handle in left.get_legend().legend_handles:
            handle.set(sizes=[36], alpha=1)
        points = right.scatter(*z[:, :2].T, s=5, linewidths=0, c=turn_deg, cmap="twilight", vmin=0, vmax=360)
        drawing.colorbar(points, ax=right, label="turn of the image [degrees]", ticks=range(0, 361, 60))
        for axes in (left, right):
            axes.plot(0, 0, "+", color="black", markersize=8)
            axes.set(xlabel="$z_1$", ylabel="$z_2$", aspect="equal", adjustable="datalim")


def angle_error(path: Path | str, error_deg: np.ndarray, turn_deg: np.ndarray) -> None:
    """Draw the median, and the range of the central 68 %, of the error of the latent turn (n,) for each turn (n,)."""
    turns = np.unique(turn_deg)
    low, middle, high = np.stack([np.quantile(error_deg[turn_deg == t], (0.16, 0.5, 0.84)) for t in turns], axis=1)
    with figure(path, title="error of the rotation in the latent plane") as drawing:
        axes = drawing.subplots()
        axes.errorbar(turns, middle, (middle - low, high - middle), fmt="o", color=COLOURS[0], label="median, 68 %")
        axes.axhline(error_deg.mean(), color=COLOURS[1], linestyle="--", label=f"mean {error_deg.mean():.1f}°")
        axes.set(xlabel="turn of the image [degrees]", ylabel="error of the latent turn [degrees]", ylim=(0, None))
        legend_above(axes)
