"""The orientation of what lies in a plane: its principal axis through the origin, and the heavier halves."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hepexp.data.physics.kinematics import sums
from hepexp.data.store.ragged import Ragged


def principal_angle(place: NDArray, weight: NDArray, examples: Ragged) -> NDArray[np.float64]:
    """The angle (n,) in radians, -pi/2 to pi/2, from the first axis to the principal axis of each example.

    That is the eigenvector of sum_i w_i x_i x_i^T with the larger eigenvalue; 0 if both are equal.

    Parameters
    ----------
    place : (m, 2), relative to the origin.
    weight : (m,).
    examples : to which the elements belong.
    """
    u, v = place.T
    uu, vv, uv = (sums(weight * product, examples) for product in (u * u, v * v, u * v))
    return 0.5 * np.arctan2(2 * uv, uu - vv)


def heavier(place: NDArray, weight: NDArray, examples: Ragged) -> NDArray[np.int64]:
    """For each coordinate of the places (m, 2), the sign (n, 2) of the half that has more of the weight (m,)."""
    return np.where(sums(weight[:, None] * np.sign(place), examples) < 0, -1, 1)
