"""Figures of jet assignment: events right by multiplicity, and the masses of what was found."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hepexp.evaluation.efficiency import wilson_interval
from hepexp.figures import COLOURS, figure, legend_above

_MOST_JETS = 12  # the last place also has events with more
_MASSES = (("W", 160.0), ("top", 320.0))  # GeV, end of the axis
_BINS = 40


def assignment_efficiency(path: Path | str, n_jets: NDArray, right: NDArray[np.bool_], weight: NDArray) -> None:
    """Draw the fraction of events (n,) that are right against their number of jets, with Wilson's intervals."""
    jets = np.minimum(n_jets, _MOST_JETS)
    places = np.unique(jets)
    with figure(path, 5.0, 4.0, "events right by number of jets") as drawing:
        axes = drawing.subplots()
        if len(places):
            total, passed, squares = (
                np.array([values[jets == place].sum() for place in places], float)
                for values in (weight, weight * right, np.square(weight, dtype=float))
            )
            share = passed / total
            low, high = wilson_interval(passed, total, squares)
            axes.errorbar(places, share, (share - low, high - share), fmt="o", color=COLOURS[0], capsize=2.5)
            names = [f"{place}+" if place == _MOST_JETS else f"{place}" for place in places]
            axes.set_xticks(places, names)
        axes.tick_params(axis="x", which="minor", bottom=False, top=False)
        axes.set(xlabel="jets", ylabel="events with both tops right", ylim=(0, 1))


def assigned_masses(path: Path | str, mass_w: NDArray, mass_top: NDArray, right: NDArray[np.bool_]) -> None:
    """Draw the masses (n,) in GeV of the found W and tops, of right ones on wrong ones."""
    with figure(path, 8.0, 4.0, "masses of the jets that were found") as drawing:
        for axes, (name, most), mass in zip(drawing.subplots(1, 2), _MASSES, (mass_w, mass_top), strict=True):
            shown = [np.minimum(mass[chosen], most * (1 - 1e-6)) for chosen in (~right, right)]
            labels, colours = ("wrong", "right"), (COLOURS[1], COLOURS[0])
            axes.hist(shown, np.linspace(0, most, _BINS + 1), stacked=True, label=labels, color=colours)
            axes.set(xlabel=f"mass of the {name} [GeV], with overflow", ylabel="tops of complete events")
            legend_above(axes)
