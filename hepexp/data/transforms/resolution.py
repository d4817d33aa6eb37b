"""A detector's resolution of momenta, the same in every reading of a particle."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from hepexp.data.keys import require_at_least, require_at_most
from hepexp.data.store.ragged import Ragged
from hepexp.data.transforms.transform import Transform


class Resolution(Transform):
    """The momentum of each particle times exp(s g - s^2 / 2), g a normal deviate: mean 1 and relative width s.

    Directions and masses stay. The deviate is computed from the bits of the four-momentum, so that a particle is
    smeared alike in every epoch, split and subset. dataset.augment.smear smears training examples, anew in each step.

    Parameters
    ----------
    strength : s.

    Raises
    ------
    ConfigError : s outside [0, 1].
    """

    def __init__(self, strength: float) -> None:
        require_at_least(0, smear=strength)
        require_at_most(1, smear=strength)
        self.strength = strength

    def __call__(self, jets: Ragged) -> Ragged:
        p4 = jets["p4"]
        factor = np.exp(self.strength * deviates(p4) - self.strength**2 / 2)
        p = factor[:, None] * p4[:, 1:]
        # from the old energy rather than from the mass, which rounding of nearly massless particles would make up
        squared = p4[:, 0] ** 2 + (factor**2 - 1) * (p4[:, 1:] ** 2).sum(1)
        energy = np.sqrt(np.maximum(squared, (p**2).sum(1)))
        return replace(jets, elements={**jets.elements, "p4": np.column_stack([energy, p])})


def deviates(p4: NDArray[np.float64]) -> NDArray[np.float64]:
    """A normal deviate (m,) for each row of (m, 4), by the method of Box and Muller from two hashes of its bits."""
    bits = np.ascontiguousarray(p4, np.float64).view(np.uint64)
    first = np.zeros(len(p4), np.uint64)
    for column in bits.T:
        first = _mixed(first ^ column)
    uniform = [(number >> np.uint64(11)) * 2.0**-53 for number in (first, _mixed(first))]
    return np.sqrt(-2 * np.log1p(-uniform[0])) * np.cos(2 * np.pi * uniform[1])


def _mixed(number: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """A step of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014, figure 16), modulo 2^64."""
    number = number + np.uint64(0x9E3779B97F4A7C15)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        number = (number ^ (number >> np.uint64(shift))) * np.uint64(factor)
    return number ^ (number >> np.uint64(31))
