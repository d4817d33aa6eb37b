"""Groups whose random elements move examples of a data set, to see whether its distribution follows."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from hepexp.config.suggest import did_you_mean
from hepexp.errors import ConfigError

Move = Callable[[NDArray[np.float64], float, np.random.Generator], NDArray[np.float64]]


class Group(NamedTuple):
    """A group as it acts on vectors of some dimensions, or on images.

    Parameters
    ----------
    about : what its elements are.
    moves : by the dimension of vectors (n, K, d), or 0 for images (n, C, H, W): moves each example by a random element,
        whose boosts are up to a rapidity.
    has_boosts : whether the rapidity matters.
    """

    about: str
    moves: dict[int, Move]
    has_boosts: bool = False


def in_plane(x: NDArray, rapidity: float, random: np.random.Generator) -> NDArray:
    """Vectors rotated in the plane of (x, y), the first two components of space, by any angle."""
    angle = random.uniform(-np.pi, np.pi, (len(x), 1))
    first = 1 if x.shape[2] == 4 else 0
    moved = x.copy()
    a, b = x[..., first], x[..., first + 1]
    moved[..., first], moved[..., first + 1] = (
        np.cos(angle) * a - np.sin(angle) * b,
        np.sin(angle) * a + np.cos(angle) * b,
    )
    return moved


def in_space(x: NDArray, rapidity: float, random: np.random.Generator) -> NDArray:
    """Vectors rotated in space by a random rotation, uniform over the group."""
    q, r = np.linalg.qr(random.standard_normal((len(x), 3, 3)))
    q = q * np.sign(np.diagonal(r, axis1=1, axis2=2))[:, None]
    q = q * np.linalg.det(q)[:, None, None]
    first = x.shape[2] - 3
    moved = x.copy()
    moved[..., first:] = np.einsum("nij,nkj->nki", q, x[..., first:])
    return moved


def along(x: NDArray, rapidity: float, random: np.random.Generator, axis: NDArray | None = None) -> NDArray:
    """Four-vectors boosted by a rapidity uniform in [-r, r], along z or unit vectors (n, 3)."""
    size = random.uniform(-rapidity, rapidity, (len(x), 1))
    axis = np.broadcast_to([0.0, 0.0, 1.0], (len(x), 3)) if axis is None else axis
    energy, p = x[..., 0], x[..., 1:]
    inside = np.einsum("nki,ni->nk", p, axis)
    after = np.cosh(size) * inside + np.sinh(size) * energy
    p = p + (after - inside)[..., None] * axis[:, None]
    return np.concatenate([(np.cosh(size) * energy + np.sinh(size) * inside)[..., None], p], axis=2)


def lorentz(x: NDArray, rapidity: float, random: np.random.Generator) -> NDArray:
    """Four-vectors rotated in space, then boosted in a direction uniform over the sphere."""
    axis = random.standard_normal((len(x), 3))
    axis /= np.linalg.norm(axis, axis=1, keepdims=True)
    return along(in_space(x, rapidity, random), rapidity, random, axis)


def quarter_turns(x: NDArray, rapidity: float, random: np.random.Generator) -> NDArray:
    """Images rotated by a random multiple of 90 degrees."""
    turned = np.stack([np.rot90(x, k, (2, 3)) for k in range(4)])
    return turned[random.integers(0, 4, len(x)), np.arange(len(x))]


def of_the_square(x: NDArray, rapidity: float, random: np.random.Generator) -> NDArray:
    """Images rotated so, and mirrored with probability 1/2."""
    mirrored = random.random(len(x)) < 0.5
    return quarter_turns(np.where(mirrored[:, None, None, None], x[..., ::-1], x), rapidity, random)


GROUPS = {
    "so2": Group("rotations of the plane; of momenta about the beam", dict.fromkeys((2, 3, 4), in_plane)),
    "so3": Group("rotations of space", dict.fromkeys((3, 4), in_space)),
    "boosts_z": Group("boosts along the beam", {4: along}, True),
    "so13": Group("rotations of space and boosts in any direction", {4: lorentz}, True),
    "c4": Group("rotations of images by multiples of 90 degrees", {0: quarter_turns}),
    "d4": Group("the same and reflections of images", {0: of_the_square}),
}


def move_of(name: str, dimension: int, data_set: str) -> Move:
    """How a group moves such vectors, or images.

    Raises
    ------
    ConfigError : there is no such group, or it does not act on them.
    """
    if name not in GROUPS:
        raise ConfigError(f"--group {name}: unknown{did_you_mean(name, GROUPS)}; expected one of {', '.join(GROUPS)}")
    if dimension not in GROUPS[name].moves:
        what = f"vectors of {dimension} components" if dimension else "images"
        offered = ", ".join(known for known, group in GROUPS.items() if dimension in group.moves)
        raise ConfigError(f"--group {name} does not act on the {what} of {data_set}; expected one of {offered}")
    return GROUPS[name].moves[dimension]
