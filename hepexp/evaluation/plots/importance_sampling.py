"""Weights of points that were drawn, and where they were drawn beside where they should be."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from hepexp.figures import COLOURS, figure, legend_above

NAMES = {"flow": "flow", "vegas": "VEGAS", "flat": "flat"}
BINS = 40


def weights(path: Path | str, found: Mapping[str, np.ndarray], process: str) -> None:
    """Draw the distribution of the weights (n,) of each sampler, in units of their mean."""
    shares = {name: w.astype(np.float64) / mean for name, w in found.items() if (mean := w.mean(dtype=np.float64)) > 0}
    with figure(path, 4.8, 3.6, f"weights of {process}") as drawing:
        axes = drawing.subplots()
        edges = np.linspace(-4, 3, 71)
        for k, (name, w) in enumerate(shares.items()):
            height = np.histogram(np.log10(np.clip(w[w > 0], 1.001e-4, 999)), edges)[0] / len(w) / np.diff(edges)
            outside = np.mean(w == 0)
            axes.stairs(height, edges, color=COLOURS[k], lw=1.4, label=f"{NAMES[name]} ({outside:.1%} cut)")
        axes.axvline(0, color="0.6", lw=0.8)
        axes.set(xlabel=r"$\log_{10}$ of weight / mean", ylabel="density", xlim=(-4, 3), yscale="log")
        legend_above(axes, columns=3)


def sampled(
    path: Path | str,
    observed: Mapping[str, Mapping[str, np.ndarray]],
    found: Mapping[str, np.ndarray],
    process: str,
) -> None:
    """Draw where each sampler draws points within the cuts, and the true density, that of the flow's weights.

    Parameters
    ----------
    observed : by the label of the observable and the sampler, the values (n,).
    found : weights (n,) of each sampler; zero outside the cuts.
    """
    with figure(path, 7.0, 5.4, f"points drawn for {process}, and the true density") as drawing:
        for axes, (label, values) in zip(drawing.subplots(2, 2).flat, observed.items(), strict=False):
            inside = np.concatenate([values[name][w > 0] for name, w in found.items()])
            if not len(inside):
                continue
            low, high = np.quantile(inside, (0.001, 0.999))
            edges = np.linspace(low, high if high > low else low + 1, BINS + 1)
            for k, (name, w) in enumerate(found.items()):
                points = values[name][w > 0]
                height = np.histogram(points, edges)[0] / max(len(points), 1) / np.diff(edges)
                axes.stairs(height, edges, color=COLOURS[k], lw=1.2, label=NAMES[name])
            w, middle = found["flow"].astype(np.float64), (edges[1:] + edges[:-1]) / 2
            height = np.histogram(values["flow"], edges, weights=w)[0]
            error = np.sqrt(np.histogram(values["flow"], edges, weights=w**2)[0])
            norm = max(w.sum(), np.finfo(float).tiny) * np.diff(edges)
            axes.errorbar(middle, height / norm, error / norm, fmt="o", ms=2, lw=0.8, color="black", label="true")
            axes.set(xlabel=label, ylabel="density", xlim=(edges[0], edges[-1]))
            axes.set_ylim(bottom=0)
        drawing.axes[0].legend()
