"""How random states of circuits spread, beside Haar-random ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from hepexp.evaluation.plots.point_labels import label_points
from hepexp.figures import COLOURS, figure, legend_above


def fidelities(path: Path | str, found: np.ndarray, haar: np.ndarray, name: str) -> None:
    """Draw the fractions (n_bins,) of fidelities in equal bins of [0, 1] beside those of Haar-random states.

    Parameters
    ----------
    name : of the circuit.
    """
    edges = np.linspace(0, 1, len(found) + 1)
    with figure(path, 4.6, 3.4, f"fidelities of random states of the circuit {name}") as drawing:
        axes = drawing.subplots()
        axes.stairs(found * len(found), edges, fill=True, color=COLOURS[0], alpha=0.6, label=name)
        axes.stairs(haar * len(found), edges, color=COLOURS[1], label="Haar-random")
        axes.set(xlabel="fidelity $F$", ylabel="density", xlim=(0, 1))
        legend_above(axes)


def expressibility(path: Path | str, points: Mapping[str, Sequence[float]]) -> None:
    """Draw expressibility against entangling capability, a named point for each circuit."""
    with figure(path, 4.6, 3.6, "expressibility and entanglement of random states") as drawing:
        axes = drawing.subplots()
        places = {name: (q, divergence) for name, (divergence, q) in points.items()}
        axes.plot(*zip(*places.values(), strict=True), "o", color=COLOURS[0], markersize=4)
        axes.set(xlabel="mean Meyer-Wallach $Q$", ylabel="divergence from Haar-random", xlim=(-0.05, 1.05))
        axes.set_yscale("log")
        label_points(axes, places)
