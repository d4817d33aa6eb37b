"""A standard frame for each jet: the same jet, rotated or boosted, is the same input of a network."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hepexp.data.store.ragged import Ragged
from hepexp.data.transforms.transform import Transform

FRAMES = ("rotated", "boosted")
RAPIDITY = 2.0  # along x, of a boosted jet: E / m = 3.8, about that of a top quark of pT = 600 GeV
TILT = 0.1  # radians from x towards z: features whose sign is the side of the jet need one
TINY = 1e-12


class StandardFrame(Transform):
    """Four-momenta of each jet in a frame that follows from the jet itself, so that any network behind it is invariant.

    rotated: the jet's momentum points along x; about it, the jet is rotated until the axis with the larger eigenvalue
    of the momentum tensor sum_i p_a p_b / |p|, across the jet's momentum, is y. Energies stay. A jet that is rotated in
    space, or reflected, has the same four-momenta there.

    boosted: the same with the three axes of the tensor in the jet's rest frame: the largest eigenvalue is that of y,
    the second that of z, and the jet is boosted along x to a fixed rapidity. Under any Lorentz transformation a jet has
    the same four-momenta there.

    x, y and z are those of the jet; all are tilted about y by 0.1 radians, so that the jet is on the side z > 0 of the
    beam, on which the sign of some networks' features depends.

    The sense of an axis is that in which sum_i |p| p_a is positive. It is undetermined, and so is the invariance, of
    jets that have no such sense, as two particles of equal mass, or several equal eigenvalues. A jet without mass has
    no rest frame and is only slowed down.

    Parameters
    ----------
    frame : rotated or boosted.

    References
    ----------
    G. Parisi, Phys. Lett. B 74 (1978) 65, and J. F. Donoghue, F. E. Low and S.-Y. Pi, Phys. Rev. D 20 (1979) 2759 (the
    tensor, which is infrared and collinear safe).
    """

    def __init__(self, frame: Literal["rotated", "boosted"]) -> None:
        self.frame = frame

    def __call__(self, jets: Ragged) -> Ragged:
        p4, jet = jets["p4"], np.repeat(np.arange(len(jets)), jets.counts)
        total = _sums(p4, jet, len(jets))
        if self.frame == "rotated":
            p = np.einsum("mij,mj->mi", _onto_x(total[:, 1:])[jet], p4[:, 1:])
            axes = np.tile(np.eye(3), (len(jets), 1, 1))
            axes[:, 1:, 1:] = _principal_axes(p[:, 1:], p, jet, len(jets))
            energy, p = p4[:, 0], np.einsum("mij,mj->mi", axes[jet], p)
        else:
            at_rest = np.einsum("mij,mj->mi", _rest_frame(total)[jet], p4)
            y_z_x = _principal_axes(at_rest[:, 1:], at_rest[:, 1:], jet, len(jets))
            p = np.einsum("mij,mj->mi", y_z_x[:, [2, 0, 1]][jet], at_rest[:, 1:])
            energy = np.cosh(RAPIDITY) * at_rest[:, 0] + np.sinh(RAPIDITY) * p[:, 0]
            p[:, 0] = np.cosh(RAPIDITY) * p[:, 0] + np.sinh(RAPIDITY) * at_rest[:, 0]
        cos, sin = np.cos(TILT), np.sin(TILT)
        p = p @ np.array([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]])
        return replace(jets, elements={**jets.elements, "p4": np.column_stack([energy, p])})


def _sums(values: NDArray, jet: NDArray[np.intp], n: int) -> NDArray[np.float64]:
    """Sums (n, k) over the particles of each jet of values (m, k)."""
    return np.stack([np.bincount(jet, column, n) for column in values.T], axis=1)


def _principal_axes(p: NDArray, whole: NDArray, jet: NDArray[np.intp], n: int) -> NDArray[np.float64]:
    """The axes (n, k, k), in rows, of the momentum tensors of p (m, k) by falling eigenvalue, in their own sense.

    Parameters
    ----------
    whole : (m, 3) momenta, of which p are some components.
    """
    size = np.linalg.norm(whole, axis=1)
    k = p.shape[1]
    products = (p[:, :, None] * p[:, None] / np.maximum(size, TINY)[:, None, None]).reshape(-1, k * k)
    _, vectors = np.linalg.eigh(_sums(products, jet, n).reshape(-1, k, k))  # columns by rising eigenvalue
    axes = vectors[:, :, ::-1].transpose(0, 2, 1)
    along = np.einsum("nij,nj->ni", axes, _sums(size[:, None] * p, jet, n))
    return np.where(along < 0, -1.0, 1.0)[:, :, None] * axes


def _onto_x(momentum: NDArray) -> NDArray[np.float64]:
    """Rotations (n, 3, 3), or reflections, that turn momenta (n, 3) onto x: a reflection in the plane between both."""
    unit = momentum / np.maximum(np.linalg.norm(momentum, axis=1), TINY)[:, None]
    # first onto -x or x, whichever is far, so that the normal of the mirror is never small; then along x
    sign = np.where(unit[:, 0] > 0, -1.0, 1.0)
    normal = unit - sign[:, None] * [1.0, 0.0, 0.0]
    squared = np.maximum((normal**2).sum(1), TINY)
    mirror = np.eye(3) - 2 * normal[:, :, None] * normal[:, None] / squared[:, None, None]
    return sign[:, None, None] * mirror


def _rest_frame(p4: NDArray) -> NDArray[np.float64]:
    """Boosts (n, 4, 4) to the rest frames of p4 (n, 4); without a mass, to where the energy is a millionth."""
    energy, p = np.maximum(p4[:, :1], TINY), p4[:, 1:]
    mass = np.maximum(np.sqrt(np.maximum(energy**2 - (p**2).sum(1, keepdims=True), 0)), 1e-6 * energy)
    u = p / mass
    gamma = np.sqrt(1 + (u**2).sum(1, keepdims=True))
    space = np.eye(3) + u[:, :, None] * u[:, None] / (1 + gamma)[:, :, None]
    return np.block([[gamma[:, :, None], -u[:, None]], [-u[:, :, None], space]])
