"""A matrix element and a likelihood as functions of a mass, with their derivatives as arrows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from hepexp.figures import COLOURS, figure, legend_above

EVERY = 8  # points between arrows


def mass_scan(
    path: Path | str,
    wide: np.ndarray,
    scans: Mapping[str, tuple[np.ndarray, np.ndarray]],
    near: np.ndarray,
    likelihood: np.ndarray,
    fitted: float,
    true: float,
) -> None:
    """Draw |M|^2 against the mass, and twice the rise of -ln L about its minimum.

    Parameters
    ----------
    wide : masses (n,) in GeV.
    scans : by the cosine of the angle, |M|^2 and its derivative (n,).
    near, likelihood : masses (k,), and -ln L with its derivative (k, 2).
    fitted, true : masses in GeV.
    """
    with figure(path, 7.6, 3.6, "matrix element and likelihood, with derivatives by autograd as arrows") as drawing:
        left, right = drawing.subplots(1, 2)
        for k, (name, (squared, slope)) in enumerate(scans.items()):
            left.plot(wide, squared, color=COLOURS[k], lw=1.2, label=rf"$\cos\theta={name}$")
            _arrows(
                left, wide[EVERY // 2 :: EVERY], squared[EVERY // 2 :: EVERY], slope[EVERY // 2 :: EVERY], COLOURS[k]
            )
        left.set(xlabel="$m_t$ [GeV]", ylabel=r"$|\mathcal{M}|^2 / g^4$")
        legend_above(left)
        rise, slope = 2 * (likelihood[:, 0] - likelihood[:, 0].min()), 2 * likelihood[:, 1]
        right.plot(near, rise, "o", ms=3, color=COLOURS[0], label=r"$-2\,\Delta\ln L$")
        _arrows(right, near[::3], rise[::3], slope[::3], COLOURS[0])
        right.axvline(fitted, color=COLOURS[1], lw=1, label="fitted")
        right.axvline(true, color="0.4", lw=1, ls="--", label="true")
        right.set(xlabel="$m_t$ [GeV]", ylabel=r"$-2\,\Delta\ln L$")
        legend_above(right, columns=3)


def _arrows(axes, x: np.ndarray, y: np.ndarray, slope: np.ndarray, colour: str) -> None:
    """Short arrows along the tangents."""
    step, style = 0.06 * np.ptp(axes.get_xlim()), {"arrowstyle": "->", "color": colour, "lw": 1}
    for at, height, rise in zip(x, y, slope, strict=True):
        axes.annotate("", (at + step, height + rise * step), (at, height), arrowprops=style)
