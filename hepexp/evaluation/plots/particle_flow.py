"""Figures of particle flow: efficiency and fakes against pT, response, jets and missing momentum, and one event."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hepexp.evaluation.bootstrap import replicas
from hepexp.figures import COLOURS, figure, legend_above

NAMES = ("none", "charged hadron", "neutral hadron", "photon", "electron", "muon")
ELEMENTS = ("", "track", "ECAL tower", "HCAL tower")
SHOWN = (1, 2, 3)  # the classes of which there are many
PT_EDGES = np.array([0.5, 1, 2, 3, 5, 8, 12, 20, 35, 60, 100])  # GeV; the outer bins are open
N_REPLICAS = 100
_AREA = 12.0  # points squared of a marker for 1 GeV


def particle_efficiency(
    path: Path | str, columns: Mapping[str, NDArray], event: NDArray[np.int64], weight: NDArray, seed: int
) -> None:
    """Draw efficiency against true pT and fake rate against found pT, with bootstrap errors over events.

    Parameters
    ----------
    columns : of elements (m,), see `ParticleFlowEvaluator`, without their prefix.
    event : (m,) row of the event of each element.
    weight : (n,) of the events.
    """
    found, true = columns["pid"], columns["target_pid"]
    bins = len(PT_EDGES) - 1

    def counts(chosen: NDArray[np.bool_], pt: NDArray) -> NDArray[np.int64]:
        """(n, bins)."""
        place = np.clip(np.searchsorted(PT_EDGES, pt[chosen], "right") - 1, 0, bins - 1)
        return np.bincount(event[chosen] * bins + place, minlength=len(weight) * bins).reshape(-1, bins)

    drawn = np.stack([weight, *replicas(len(weight), N_REPLICAS, seed, weight)]).astype(np.float64)
    middle = np.sqrt(PT_EDGES[1:] * PT_EDGES[:-1])
    sides = (
        ("efficiency", "true pT [GeV]", columns["target_pt"], lambda k: ((found == k) & (true == k), true == k)),
        (
            "fake rate",
            "found pT [GeV]",
            columns["pt"],
            lambda k: ((found == k) & (true != k) & (true >= 0), (found == k) & (true >= 0)),
        ),
    )
    with figure(path, 9.6, 4.2, "Particles by their pT") as drawing:
        for axes, (label, x_label, pt, of) in zip(drawing.subplots(1, 2), sides, strict=True):
            for i, k in enumerate(SHOWN):
                part, whole = (drawn @ counts(chosen, pt) for chosen in of(k))
                share = np.divide(part, whole, out=np.full_like(part, np.nan), where=whole > 0)
                there = np.isfinite(share[0])
                if there.any():
                    error = np.nanstd(share[1:][:, there], axis=0)
                    place = middle[there] * 1.03 ** (i - 1)
                    axes.errorbar(
                        place, share[0, there], error, fmt="o", color=COLOURS[k], label=NAMES[k], markersize=3
                    )
            axes.set(xscale="log", xlabel=x_label, ylabel=label, ylim=(0, 1.05))
            if axes.get_legend_handles_labels()[0]:
                legend_above(axes, 3)


def particle_response(path: Path | str, columns: Mapping[str, NDArray], weight: NDArray) -> None:
    """Draw found over true pT of correctly identified particles, each curve with the area 1.

    Parameters
    ----------
    columns : of elements (m,); weight : (m,).
    """
    edges = np.linspace(0, 2, 81)
    with figure(path, 5.2, 4.2, "Response of correctly identified particles") as drawing:
        axes = drawing.subplots()
        for k in SHOWN:
            right = (columns["pid"] == k) & (columns["target_pid"] == k)
            ratio = columns["pt"][right] / columns["target_pt"][right]
            counts, _ = np.histogram(np.clip(ratio, 0, 2 - 1e-9), edges, weights=weight[right])
            total = counts.sum() * (edges[1] - edges[0])
            if total > 0:
                axes.stairs(counts / total, edges, color=COLOURS[k], label=NAMES[k])
        axes.set(xlabel="found / true pT, outer bins with overflow", ylabel="density", yscale="log")
        if axes.get_legend_handles_labels()[0]:
            legend_above(axes, 3)
        else:
            axes.set(yscale="linear")


def jets_and_missing(path: Path | str, jets: NDArray | None, missing: NDArray, weight: NDArray) -> None:
    """Draw found over true pT of jets (n, j, 2), and found minus true missing momentum (n, 2, 2) in GeV."""
    with figure(path, 9.6, 4.2, "Jets and missing momentum") as drawing:
        left, right = drawing.subplots(1, 2)
        if jets is not None:
            event, place = np.nonzero((jets[..., 0] > 0) & (jets[..., 1] > 0))
            true, found = jets[event, place].T
            for k, (low, high) in enumerate(((20, 40), (40, 80), (80, np.inf))):
                chosen = (true >= low) & (true < high)
                name = f"{low} to {high} GeV" if np.isfinite(high) else f"> {low} GeV"
                ratio = np.clip(found[chosen] / true[chosen], 0, 2 - 1e-9)
                counts, edges = np.histogram(ratio, np.linspace(0, 2, 41), weights=weight[event[chosen]])
                left.stairs(counts, edges, color=COLOURS[k], label=name)
            legend_above(left, 3)
        left.set(xlabel="found / true pT of jets, with overflow", ylabel="jets")
        difference = missing[:, 1] - missing[:, 0]
        reach = max(float(np.quantile(np.abs(difference), 0.99)), 1e-3)
        counts, edges = np.histogram(
            np.clip(difference.ravel(), -reach, reach * (1 - 1e-9)), 40, (-reach, reach), weights=np.repeat(weight, 2)
        )
        right.stairs(counts, edges, color=COLOURS[0])
        right.set(xlabel="found - true missing momentum in x and y [GeV]", ylabel="events x 2")


def tower_shares(path: Path | str, found: NDArray, true: NDArray, weight: NDArray) -> None:
    """Draw found against true shares (m,) of particles with a track in the energy of towers; others are negative.

    weight (m,) is that of the event of each element.
    """
    edges = np.linspace(0, 1, 26)
    with figure(path, 5.2, 4.4, "Energy of towers that is of particles with a track") as drawing:
        axes = drawing.subplots()
        there = true >= 0
        counts, _, _ = np.histogram2d(
            np.clip(true[there], 0, 1), np.clip(found[there], 0, 1), [edges, edges], weights=weight[there]
        )
        drawn = axes.pcolormesh(edges, edges, np.where(counts > 0, counts, np.nan).T, norm="log", cmap="viridis")
        axes.plot([0, 1], [0, 1], color="0.5", linewidth=0.8)
        drawing.colorbar(drawn, ax=axes, label="towers")
        axes.set(xlabel="true share", ylabel="found share", aspect="equal")


def flow_display(path: Path | str, elements: NDArray, particles: NDArray, found: NDArray) -> None:
    """Draw the elements, particles and predictions (m, 4) of an event in eta and phi, with areas as their pT.

    Columns are class, pT in GeV, eta and phi; class 0 is not drawn.
    """
    with figure(path, 12.0, 4.8, "One event: elements, true particles, found particles") as drawing:
        panels = drawing.subplots(1, 3, sharex=True, sharey=True)
        shown = (("elements", elements, ELEMENTS), ("true", particles, NAMES), ("found", found, NAMES))
        for axes, (title, rows, names) in zip(panels, shown, strict=True):
            for k, name in enumerate(names):
                own = rows[rows[:, 0] == k]
                if k and len(own):
                    area = np.clip(_AREA * own[:, 1], 1, 600)
                    axes.scatter(own[:, 2], own[:, 3], area, COLOURS[k], alpha=0.6, linewidths=0, label=name)
            axes.set(xlabel="η", xlim=(-3.3, 3.3), ylim=(-np.pi, np.pi))
            axes.text(0.02, 0.98, title, transform=axes.transAxes, va="top")
            if axes.get_legend_handles_labels()[0]:
                legend_above(axes, 3)
        panels[0].set(ylabel="φ [rad]")
