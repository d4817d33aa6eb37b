"""A state vector as bars."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hepexp.figures import COLOURS, figure, legend_above


def amplitudes(path: Path | str, psi: np.ndarray, name: str = "") -> None:
    """Draw the real and imaginary parts of the amplitudes (2^q,) of all basis states; wire 0 is the leading bit.

    Parameters
    ----------
    name : of the circuit.
    """
    place, width = np.arange(len(psi)), len(psi).bit_length() - 1
    title = f"state vector of the circuit {name}" if name else "state vector"
    with figure(path, max(5.0, 0.2 * len(psi) + 1.2), 3.6, title) as drawing:
        axes = drawing.subplots()
        for shift, part, label, colour in (
            (-0.2, psi.real, "real", COLOURS[0]),
            (0.2, psi.imag, "imaginary", COLOURS[1]),
        ):
            axes.bar(place + shift, part, width=0.4, color=colour, label=label)
        axes.axhline(0, color="black", linewidth=0.8)
        axes.set_xticks(place, [format(k, f"0{width}b") for k in place], rotation=90, fontsize=7)
        axes.tick_params(axis="x", which="both", length=0)
        axes.set(xlabel="basis state", ylabel="amplitude", xlim=(-1, len(psi)))
        legend_above(axes)
