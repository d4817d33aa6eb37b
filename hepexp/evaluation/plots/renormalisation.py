"""Densities along Polchinski's flow, and divergences that fall along it or do not."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from hepexp.figures import COLOURS, figure, legend_above
from hepexp.physics.free_modes import FreeModes
from hepexp.physics.polchinski import PolchinskiFlow

SHOWN = 5  # densities, from the beginning to the end
EVERY = 2  # steps between points
CLAIMED = {
    "theories": "from the other theory: falls",
    "free": "from the free theory: falls",
    "reference": "from $e^{-2S_0}$: need not fall",
}


def flow_divergences(
    path: Path | str,
    scale: np.ndarray,
    label: str,
    found: Mapping[str, tuple[np.ndarray, np.ndarray]],
    exact: Mapping[str, np.ndarray],
) -> None:
    """Draw each divergence along the flow, of the transported densities and of the exact ones.

    Parameters
    ----------
    scale : (K + 1,) the coordinate of the flow, which falls, and its name.
    found : mean and error (K + 1,) of each.
    exact : (K + 1,) of each.
    """
    with figure(path, 8.4, 3.0, "Kullback-Leibler divergence of the theory, along the flow") as drawing:
        for k, (axes, name) in enumerate(zip(drawing.subplots(1, len(found)), found, strict=True)):
            mean, error = found[name]
            axes.plot(scale, exact[name], color="0.2", lw=1.2, label="exact")
            axes.errorbar(
                scale[::EVERY],
                mean[::EVERY],
                error[::EVERY],
                fmt="o",
                ms=3,
                color=COLOURS[k],
                lw=1,
                label="monotone maps",
            )
            lowest = exact[name].argmin()
            if lowest < len(scale) - 1:
                axes.axvline(scale[lowest], color="0.6", lw=1, ls=":")
            _along(axes, scale, label)
            axes.set_title(CLAIMED[name], fontsize=9)
            axes.set_ylim(bottom=0)
            if k == 0:
                axes.set_ylabel("KL [nats]")
            axes.legend(loc="best", fontsize=8)


def flow_densities(path: Path | str, theory: PolchinskiFlow, field: np.ndarray, log_density: np.ndarray) -> None:
    """Draw densities of both theories along the flow, as transported and exact.

    Parameters
    ----------
    field, log_density : z and ln p (n, K + 1, 2) of draws.
    """
    steps = np.unique(np.linspace(0, theory.n_steps, SHOWN).round().astype(int))
    reach = 1.15 * np.abs(field).max()
    z = np.linspace(-reach, reach, 400)
    with figure(path, 7.6, 3.6, "densities along the flow: maps (points), exact (lines)") as drawing:
        for which, axes in enumerate(drawing.subplots(1, 2, sharey=True)):
            for colour, step in zip(COLOURS, steps, strict=False):
                axes.plot(z, np.exp(theory.log_density(step, which, z[None])[0]), color=colour, lw=1)
                order = np.argsort(field[:, step, which])
                some = order[np.linspace(0, len(order) - 1, 60).round().astype(int)]
                x, p = field[some, step, which], np.exp(log_density[some, step, which])
                axes.plot(x, p, "o", ms=3, color=colour, label=f"{theory.scale[step]:.2g}")
            axes.set_xlabel(theory.variable)
            axes.set_title(("the theory", "the other theory")[which], fontsize=9)
            if which == 0:
                axes.set_ylabel("density")
                axes.legend(title=theory.scale_label, fontsize=8)
        axes.set_ylim(bottom=0)  # of both


def flow_variances(path: Path | str, theory: FreeModes, field: np.ndarray) -> None:
    """Draw the variance of modes in units of the free theory along the flow, as transported, by exact steps, and exact.

    Parameters
    ----------
    field : z (n, K + 1, M) of draws.
    """
    variance = np.square(field.astype(np.float64)).mean(0)
    error = np.square(field.astype(np.float64)).std(0) / np.sqrt(len(field))
    closed = theory.of_closed_form()
    shown = np.unique(np.linspace(0, theory.n_modes - 1, SHOWN).round().astype(int))
    momenta, exact = np.sqrt(theory.momenta2), theory.variance(0)
    with figure(
        path, 5.6, 4.0, "modes along the flow: maps (points), minimising steps (dashed), exact (lines)"
    ) as drawing:
        axes = drawing.subplots()
        for colour, mode in zip(COLOURS, shown, strict=False):
            axes.plot(theory.scale, exact[:, mode], color=colour, lw=1)
            axes.plot(theory.scale, closed[:, mode], color=colour, lw=1, ls="--")
            axes.errorbar(
                theory.scale[::EVERY],
                variance[::EVERY, mode],
                error[::EVERY, mode],
                fmt="o",
                ms=3,
                lw=1,
                color=colour,
                label=f"$p={momenta[mode]:.2f}$",
            )
        _along(axes, theory.scale, theory.scale_label)
        axes.set_ylabel(r"$\langle|\varphi_p|^2\rangle / C(p)$")
        legend_above(axes, columns=3)


def _along(axes, scale: np.ndarray, label: str) -> None:
    """The axis of the flow: logarithmic, from where it begins on the left."""
    axes.set(xscale="log", xlim=(scale[0] * 1.1, scale[-1] / 1.1), xlabel=label)
    ticks = np.geomspace(scale[0], scale[-1], 4)
    axes.set_xticks(ticks, [f"{tick:.2g}" for tick in ticks])
    axes.set_xticks([], minor=True)
