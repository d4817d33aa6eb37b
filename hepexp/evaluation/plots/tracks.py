"""Figures of tracks: efficiencies against pT, eta and multiplicity, scores of edges, and the edges of an event."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from hepexp.evaluation.bootstrap import replicas
from hepexp.evaluation.tracks import COUNTS, ETA_EDGES, PT_EDGES
from hepexp.figures import COLOURS, figure, legend_above

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_RATIOS = {
    "perfect": ("perfect", "particles"),
    "double majority": ("double_majority", "particles"),
    "LHC": ("lhc", "tracks"),
}
_ENDS = {"pt": (0.0, 8.0), "eta": (-4.0, 4.0)}  # of the outer bins, which are open
_MOST_EDGES = 20_000  # drawn of an event
N_REPLICAS = 100


def track_efficiency(path: Path | str, axis: str, counts: NDArray, weight: NDArray, seed: int) -> None:
    """Draw the three efficiencies against pT or eta, with bootstrap errors over events.

    Parameters
    ----------
    axis : pt or eta.
    counts : (n, 5, bins) of each event, see `count_tracks`.
    """
    edges = (PT_EDGES if axis == "pt" else ETA_EDGES).clip(*_ENDS[axis])
    drawn = [weight, *replicas(len(counts), N_REPLICAS, seed, weight)]
    totals = np.stack([np.tensordot(each, counts, 1) for each in drawn]).astype(np.float64)  # (1 + replicas, 5, bins)
    with figure(path, 5.2, 4.2, "Tracks of DBSCAN, by the particle's kinematics") as drawing:
        axes = drawing.subplots()
        counted = {name: totals[:, COUNTS.index(name)] for pair in _RATIOS.values() for name in pair}
        _draw_ratios(axes, edges, {label: (counted[found], counted[of]) for label, (found, of) in _RATIOS.items()})
        axes.set(xlabel="pT [GeV], the last bin open" if axis == "pt" else "η, outer bins open", ylabel="efficiency")


def track_multiplicity(
    path: Path | str, hits: NDArray, ratios: Mapping[str, tuple[NDArray, NDArray]], weight: NDArray, seed: int
) -> None:
    """Draw ratios against the number of hits of an event, in bins of equally many events, with bootstrap errors.

    Parameters
    ----------
    hits : (n,) of each event.
    ratios : by name, what is found and of how many, (n,) each.
    """
    n_bins = int(np.clip(len(hits) // 3, 1, 6))
    edges = np.quantile(hits, np.linspace(0, 1, n_bins + 1))
    place = np.searchsorted(edges[1:-1], hits, "right")
    own = place == np.arange(n_bins)[:, None]  # (bins, n)
    drawn = np.stack([weight, *replicas(len(hits), N_REPLICAS, seed, weight)])
    with figure(path, 5.2, 4.2, "Edges, and tracks of DBSCAN, by the size of the event") as drawing:
        axes = drawing.subplots()
        _draw_ratios(axes, edges, {name: tuple((drawn * n) @ own.T for n in both) for name, both in ratios.items()})
        axes.set(xlabel="hits of the event", ylabel="efficiency or purity")


def _draw_ratios(axes: Axes, edges: NDArray, ratios: Mapping[str, tuple[NDArray, ...]]) -> None:
    """Draw ratios in bins, side by side, with the spread of their replicas as errors.

    Parameters
    ----------
    edges : (bins + 1,).
    ratios : by name, what is found and of how many, (1 + replicas, bins) each, the first row that of the events.
    """
    middle, half = (edges[1:] + edges[:-1]) / 2, np.diff(edges) / 2
    for i, (name, (part, whole)) in enumerate(ratios.items()):
        share = np.divide(part, whole, out=np.full_like(part, np.nan), where=whole > 0)
        there = np.isfinite(share[0])
        if there.any():
            error = np.nanstd(share[1:][:, there], axis=0)
            at = middle[there] + 0.12 * (i - (len(ratios) - 1) / 2) * half[there]
            axes.errorbar(at, share[0, there], error, half[there], "o", color=COLOURS[i], label=name, markersize=3)
    axes.set_ylim(0, 1.05)
    if axes.get_legend_handles_labels()[0]:
        legend_above(axes, 3)


def edge_scores(path: Path | str, counts: NDArray) -> None:
    """Draw the scores of edges between hits of different particles and of one, (2, bins)."""
    shown = counts.reshape(2, 50, -1).sum(2)
    with figure(path, 5.2, 4.2, "Scores of edges") as drawing:
        axes = drawing.subplots()
        edges = np.linspace(0, 1, shown.shape[1] + 1)
        for values, label, colour in zip(shown, ("different particles", "one particle"), COLOURS, strict=False):
            axes.stairs(values, edges, label=label, color=colour)
        axes.set(xlabel="score", ylabel="edges", yscale="log" if shown.any() else "linear")
        legend_above(axes, 2)


def track_display(path: Path | str, hits: NDArray, ends: NDArray, score: NDArray, same: NDArray) -> None:
    """Draw the edges of an event with a score above 1/2 across the beam and along it, by whether they are true.

    Parameters
    ----------
    hits : (m, 3), r / m, phi / pi and z / m.
    ends : (E, 2) hits of each edge; score, same : (E,).
    """
    from matplotlib.collections import LineCollection

    r, phi, z = hits[:, 0], np.pi * hits[:, 1], hits[:, 2]
    views = ((r * np.cos(phi), r * np.sin(phi), "x [m]", "y [m]"), (z, r, "z [m]", "r [m]"))
    selected = score > 0.5
    kinds = (
        ("right", selected & (same == 1), COLOURS[0]),
        ("wrong", selected & (same != 1), COLOURS[1]),
        ("missed", ~selected & (same == 1), COLOURS[2]),
    )
    with figure(path, 10.5, 4.6, "Edges between hits of one event") as drawing:
        for axes, (across, up, x_label, y_label) in zip(drawing.subplots(1, 2), views, strict=True):
            axes.plot(across, up, ".", color="0.75", markersize=1.5)
            for name, chosen, colour in kinds:
                pairs = ends[chosen][:_MOST_EDGES].astype(np.int64)
                lines = [*np.stack([across[pairs], up[pairs]], axis=-1)]
                axes.add_collection(LineCollection(lines, colors=colour, linewidths=0.6, label=name))
            axes.set(xlabel=x_label, ylabel=y_label, aspect="equal" if across is not z else "auto")
            legend_above(axes, 3)
