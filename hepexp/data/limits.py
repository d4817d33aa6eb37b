"""Which values a column can have: what lies outside is an error of the file, not physics, and no model is asked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Limits:
    """An interval, both ends included; NaN is outside.

    Parameters
    ----------
    low, high : the ends.
    unit : of the values, for messages.
    whole : only whole numbers.
    """

    low: float
    high: float
    unit: str = ""
    whole: bool = False

    def outside(self, values: NDArray) -> NDArray[np.bool_]:
        """Which values are not possible, same shape."""
        bad = ~((values >= self.low) & (values <= self.high))
        if self.whole and np.issubdtype(values.dtype, np.floating):
            bad |= values != np.round(values)
        return bad

    def __str__(self) -> str:
        kind = "a whole number from " if self.whole else ""
        return f"{kind}{self.low:g} to {self.high:g}{f' {self.unit}' if self.unit else ''}"


# No collider that is planned gives a particle more: a proton of FCC-hh has 50 TeV. The least is 1 eV, far below what a
# detector sees, and its logarithm is a number.
MOST_ENERGY = 1e5  # GeV
ENERGY = Limits(1e-9, MOST_ENERGY, "GeV")
MOMENTUM = Limits(-MOST_ENERGY, MOST_ENERGY, "GeV")
# Nearly massless jets have masses below zero by rounding.
MASS = Limits(-1, MOST_ENERGY, "GeV")
# A pion of 50 TeV along the beam has 13.5; a photon can have any, but none is measured so close to the beam.
RAPIDITY = Limits(-20, 20)
# Published files count azimuths from -pi, from 0, or beyond 2 pi, to keep a jet in one piece; degrees are not radians.
AZIMUTH = Limits(-12.6, 12.6, "rad")
# Impact parameters: no detector is a kilometre long.
DISTANCE = Limits(-1e6, 1e6, "mm")
DISTANCE_ERROR = Limits(0, 1e6, "mm")
PDGID = Limits(-(2**31) + 1, 2**31 - 1, whole=True)  # known ones are in hepexp.data.species
