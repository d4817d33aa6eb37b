"""Kinematics of decays to two hadrons: directions in the rest frame, and hadrons of given direction.

Axes of the rest frame are those of the laboratory, boosted along the momentum of the cluster without a rotation; other
axes follow from these by a rotation. Four-momenta are (E, px, py, pz) in GeV, metric (+,-,-,-).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hepexp.data.physics.kinematics import invariant_mass
from hepexp.data.physics.species import mass
from hepexp.data.store.ragged import Ragged
from hepexp.errors import ConfigError

Floats = NDArray[np.float64]
HADRON = ("E", "px", "py", "pz")
FRAMES = ("lab", "flight", "string")
_AT_REST = 1e-12  # of the energy; slower ones have no direction


def of_cluster(decays: Ragged) -> Floats:
    """Four-momenta (n, 4) of the clusters."""
    return on_shell(_columns(decays, [f"cluster_{name}" for name in ("m", *HADRON[1:])]))


def of_parton(decays: Ragged) -> Floats:
    """Four-momenta (n, 4) of the first partons, zero where they are unknown."""
    return _columns(decays, [f"parton_{name.lower()}" for name in HADRON])


def of_hadrons(decays: Ragged) -> Floats:
    """Four-momenta (n, 2, 4) of the hadrons."""
    return _columns(decays, HADRON).reshape(-1, 2, 4)


def _columns(decays: Ragged, names: Sequence[str]) -> Floats:
    return np.stack([decays[name].astype(np.float64) for name in names], axis=1)


def on_shell(columns: Floats) -> Floats:
    """Four-momenta (n, 4) of mass and momentum (m, px, py, pz) (n, 4)."""
    return np.concatenate([np.sqrt((columns**2).sum(1, keepdims=True)), columns[:, 1:]], axis=1)


def boosted(p: Floats, frame: Floats, back: bool = False) -> Floats:
    """Four-momenta (n, 4) in the rest frames of others (n, 4); or from there, `back`, to where those are given."""
    m = invariant_mass(frame)[:, None]
    u = (frame[:, 1:] if back else -frame[:, 1:]) / m  # gamma beta
    gamma = frame[:, :1] / m
    along = (u * p[:, 1:]).sum(1, keepdims=True)
    return np.concatenate([gamma * p[:, :1] + along, p[:, 1:] + u * (p[:, :1] + along / (1 + gamma))], axis=1)


def unit(vectors: Floats) -> Floats:
    """Vectors (n, 3) of length one, along z where they have none."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.where(length > 0, vectors / np.where(length > 0, length, 1), [0.0, 0.0, 1.0])


def direction(decays: Ragged) -> Floats:
    """Directions (n, 3) of the first hadrons in the rest frames, of the sum of both hadrons, whose digits are limited.

    They are those of half the difference of both, which are back to back.
    """
    made = of_hadrons(decays)
    total = made.sum(1)
    first, second = (boosted(made[:, i], total)[:, 1:] for i in range(2))
    return unit(first - second)


def flight(decays: Ragged) -> Floats:
    """Directions (n, 3) of the clusters; along z of those at rest."""
    p = of_cluster(decays)
    return unit(np.where(np.linalg.norm(p[:, 1:], axis=1)[:, None] > _AT_REST * p[:, :1], p[:, 1:], 0))


def string(decays: Ragged) -> Floats:
    """Directions (n, 3) of the first partons in the rest frames of the clusters."""
    return unit(boosted(of_parton(decays), of_cluster(decays))[:, 1:])


def axes(decays: Ragged, frame: str) -> Floats:
    """Axes x, y, z (n, 3, 3), one a row, of rest frames.

    Parameters
    ----------
    frame : lab, those of the laboratory; flight, z along the momentum of the cluster; string, z along that of its first
        parton in the rest frame. x and y are then the directions of growing polar angle and azimuth of z.
    """
    if frame == "lab":
        return np.broadcast_to(np.eye(3), (len(decays), 3, 3))
    z = flight(decays) if frame == "flight" else string(decays)
    phi = np.arctan2(z[:, 1], z[:, 0])
    cos, sin, across = np.cos(phi), np.sin(phi), np.hypot(z[:, 0], z[:, 1])
    x = np.stack([z[:, 2] * cos, z[:, 2] * sin, -across], axis=1)
    y = np.stack([-sin, cos, np.zeros(len(z))], axis=1)
    return np.stack([x, y, z], axis=1)


def break_up_momentum(m: Floats, m_1: Floats, m_2: Floats) -> Floats:
    """p* = sqrt((M^2 - (m_1 + m_2)^2)(M^2 - (m_1 - m_2)^2)) / 2 M (n,) in GeV; 0 below the threshold."""
    product = (m**2 - (m_1 + m_2) ** 2) * (m**2 - (m_1 - m_2) ** 2)
    return np.sqrt(np.maximum(product, 0)) / (2 * m)


def decayed(cluster: Floats, pdgid: NDArray, along: Floats) -> Floats:
    """Hadrons (n, 2, 4) of clusters (n, 4), the first along a direction (n, 3) in the rest frame.

    Parameters
    ----------
    pdgid : (n, 2) of the hadrons, whose masses follow.

    Raises
    ------
    ConfigError : a cluster is lighter than its hadrons, such as by a condition.
    """
    m, masses = invariant_mass(cluster), mass(pdgid)
    least = masses.sum(1)
    if (light := m < least).any():
        raise ConfigError(
            f"a cluster of mass {m[light][0]:g} GeV cannot decay to hadrons of {least[light][0]:g} GeV together; fix a "
            "larger cluster_m"
        )
    p = break_up_momentum(m, *masses.T)[:, None] * unit(along)
    return np.stack(
        [
            boosted(np.concatenate([np.hypot(np.linalg.norm(q, axis=1), own)[:, None], q], 1), cluster, back=True)
            for q, own in ((p, masses[:, 0]), (-p, masses[:, 1]))
        ],
        axis=1,
    )
