"""Quantities by which generated decays are compared with those of the data set.

References
----------
A. Ghosh, X. Ju, B. Nachman, A. Siodmok, arXiv:2203.12660, section 4 (phi, theta); P. Ilten, T. Menzo, A. Youssef,
J. Zupan, arXiv:2203.04983 (string).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hepexp.data.datasets.cluster_decays.two_body import (
    boosted,
    direction,
    flight,
    of_cluster,
    of_hadrons,
    string,
)
from hepexp.data.physics.kinematics import invariant_mass
from hepexp.data.store.ragged import Ragged
from hepexp.observable import Observable

OBSERVABLES: tuple[Observable, ...] = (
    Observable("phi", (r"$\varphi$ [rad]",), selects=True, unit="rad"),
    Observable("theta", (r"$\theta$ [rad]",), selects=True, unit="rad"),
    Observable("flight", (r"$\cos\theta$ to the flight",), selects=True),
    Observable("pt", (r"$p_\mathrm{T}$ [GeV]",), of="element", selects=True, unit="GeV"),
    Observable("direction", ("$n_x$", "$n_y$", "$n_z$"), isotropic=True),
    Observable("imbalance", (r"$|\sum p - P|\,/\,E$",), distance=False, mean=True, drawn=False),
)
OF_STRINGS = (
    Observable("string", ("$p_z$ along the string [GeV]", r"$p_\mathrm{T}$ across [GeV]"), selects=True, unit="GeV"),
)


def observe(decays: Ragged, names: Sequence[str]) -> dict[str, NDArray[np.float64]]:
    """The values of those of the observables that are asked for.

    phi, theta and the direction (n_x, n_y, n_z) are of the first hadron in the rest frame, with the axes of the
    laboratory; flight is the cosine of the angle to the momentum of the cluster; pt is that of both hadrons across the
    beam; string (n, 2) the momentum of the first hadron in the rest frame along and across that of the first parton.
    `features` (n, 8) are the direction, that of the cluster, flight, and the mass in GeV; `low_level` (n, 8) the
    direction, and mass, energy and direction of the cluster.
    """
    n, along, cluster, made = direction(decays), flight(decays), of_cluster(decays), of_hadrons(decays)
    cosine = (n * along).sum(1, keepdims=True)
    m = invariant_mass(cluster)[:, None]
    found = {
        "phi": np.arctan2(n[:, 1], n[:, 0])[:, None],
        "theta": np.arccos(np.clip(n[:, 2:], -1, 1)),
        "flight": cosine,
        "pt": np.hypot(made[..., 1], made[..., 2]).reshape(-1, 1),
        "direction": n,
        "imbalance": abs(made.sum(1) - cluster).max(1, keepdims=True) / cluster[:, :1],
        "features": np.concatenate([n, along, cosine, m], axis=1),
        "low_level": np.concatenate([n, along, m, np.log(cluster[:, :1])], axis=1),
    }
    if "string" in names:
        p = np.linalg.norm(boosted(made[:, 0], made.sum(1))[:, 1:], axis=1)
        cos = np.clip((n * string(decays)).sum(1), -1, 1)
        found["string"] = np.stack([p * cos, p * np.sqrt(1 - cos**2)], axis=1)
    return {name: found[name] for name in names if name in found}
