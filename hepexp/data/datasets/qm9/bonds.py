"""Bonds between atoms by their distances, and whether each atom has as many as its element should.

The longest bonds are those of tables of typical lengths with margins of 10, 5 and 3 pm for single, double and triple
ones, chosen for QM9.

References
----------
E. Hoogeboom et al., arXiv:2203.17003, appendix C; V. G. Satorras et al., arXiv:2105.09016.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hepexp.data.datasets.qm9.info import ELEMENTS

VALENCE = {"H": 1, "C": 4, "N": 3, "O": 2, "F": 1}
MARGINS = (10, 5, 3)  # pm
_SINGLE = {
    "H": {"H": 74, "C": 109, "N": 101, "O": 96, "F": 92},
    "C": {"C": 154, "N": 147, "O": 143, "F": 135},
    "N": {"N": 145, "O": 140, "F": 136},
    "O": {"O": 148, "F": 142},
    "F": {"F": 142},
}
_DOUBLE = {"C": {"C": 134, "N": 129, "O": 120}, "N": {"N": 125, "O": 121}, "O": {"O": 121}}
_TRIPLE = {"C": {"C": 120, "N": 116, "O": 113}, "N": {"N": 110}}
LENGTHS = (_SINGLE, _DOUBLE, _TRIPLE)  # pm


def _longest() -> NDArray[np.float64]:
    """(3, 10, 10) distance in Å below which atoms of these numbers have a bond of each order at least; 0 if none."""
    longest = np.zeros((3, 10, 10))
    for order, (lengths, margin) in enumerate(zip(LENGTHS, MARGINS, strict=True)):
        for one, others in lengths.items():
            for other, length in others.items():
                for a, b in ((one, other), (other, one)):
                    longest[order, ELEMENTS[a], ELEMENTS[b]] = (length + margin) / 100
    return longest


LONGEST = _longest()
EXPECTED = np.zeros(10, np.int64)
EXPECTED[[ELEMENTS[symbol] for symbol in VALENCE]] = list(VALENCE.values())


def bond_orders(number: NDArray[np.integer], place: NDArray[np.floating]) -> NDArray[np.int64]:
    """Order of the bond between all pairs of atoms, 0 for none.

    Shapes
    ------
    number (B, N), 0 for padding, place (B, N, 3) in Å -> (B, N, N).
    """
    distance = np.linalg.norm(place[:, :, None] - place[:, None], axis=-1)
    distance[:, np.eye(number.shape[1], dtype=bool)] = np.inf
    within = distance < LONGEST[:, number[:, :, None], number[:, None]]  # (3, B, N, N)
    return np.logical_and.accumulate(within).sum(0)


def stable(number: NDArray[np.integer], place: NDArray[np.floating]) -> NDArray[np.bool_]:
    """Which atoms (B, N) have bonds whose orders add up to the valence of their element, as padding has; see above."""
    return bond_orders(number, place).sum(2) == EXPECTED[number]
