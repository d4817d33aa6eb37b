"""The range of values that a column can have: anything outside is an error in the file, and is refused."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Limits:
    """A closed interval; NaN is outside.

    Parameters
    ----------
    low, high : the end points.
    unit : of the values, for messages.
    whole : whether only whole numbers are allowed.
    """

    low: float
    high: float
    unit: str = ""
    whole: bool = False

    def outside(self, values: NDArray) -> NDArray[np.bool_]:
        """Mask of the impossible values, same shape."""
        bad = ~((values >= self.low) & (values <= self.high))
        if self.whole and np.issubdtype(values.dtype, np.floating):
            bad |= values != np.round(values)
        return bad

    def __str__(self) -> str:
        kind = "a whole number from " if self.whole else ""
        return f"{kind}{self.low:g} to {self.high:g}{f' {self.unit}' if self.unit else ''}"


# No planned collider exceeds this: the beam energy of FCC-hh is 50 TeV. The minimum, 1 eV, is far below what a detector
# can measure, but has a finite logarithm.
MOST_ENERGY = 1e5  # GeV
ENERGY = Limits(1e-9, MOST_ENERGY, "GeV")
MOMENTUM = Limits(-MOST_ENERGY, MOST_ENERGY, "GeV")
MOMENTA = dict.fromkeys(("px", "py", "pz"), MOMENTUM)
# Rounding can make the mass of a nearly massless jet negative.
MASS = Limits(-1, MOST_ENERGY, "GeV")
# A 50 TeV pion along the beam has rapidity 13.5; a photon's is unbounded, but none is measured so close to the beam.
RAPIDITY = Limits(-20, 20)
# Azimuths in published files start at -pi or at 0, or exceed 2 pi to keep a jet contiguous; larger values are degrees.
AZIMUTH = Limits(-12.6, 12.6, "rad")
# Impact parameters: no detector is a kilometre across.
DISTANCE = Limits(-1e6, 1e6, "mm")
DISTANCE_ERROR = Limits(0, 1e6, "mm")
PDGID = Limits(-(2**31) + 1, 2**31 - 1, whole=True)  # known ones are in hepexp.data.physics.species
