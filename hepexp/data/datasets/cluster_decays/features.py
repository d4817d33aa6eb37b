"""Representation `features` of decays: the direction of the first hadron in the rest frame of the cluster."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hepexp.batch import FeatureBatch
from hepexp.data.datasets.cluster_decays.two_body import FRAMES, HADRON, axes, decayed, direction, of_cluster, unit
from hepexp.data.representations.variables import Variables
from hepexp.data.store.ragged import Ragged
from hepexp.errors import ConfigError

Coordinates = Literal["angles", "direction"]
Frame = Literal["lab", "flight", "string"]
VARIABLES: dict[str, tuple[str, ...]] = {"angles": ("phi", "theta"), "direction": ("n_x", "n_y", "n_z")}


class DecayDirection(Variables):
    """The direction of the first hadron; the other one is back to back with it, and the momentum that of the masses.

    Parameters
    ----------
    coordinates : angles, phi / pi and 2 theta / pi - 1, both from -1 to 1, as published; direction, the three
        components of a vector of length one, which has no edges.
    frame : axes of the rest frame. lab, those of the laboratory, as published; flight, z along the momentum of the
        cluster; string, z along that of its first parton in the rest frame, of clusters whose partons are known.

    Raises
    ------
    ConfigError : another word.
    """

    def __init__(self, coordinates: Coordinates = "direction", frame: Frame = "flight") -> None:
        for key, value, known in (("coordinates", coordinates, tuple(VARIABLES)), ("frame", frame, FRAMES)):
            if value not in known:
                raise ConfigError(f"dataset.features.{key} must be one of {', '.join(known)}, got {value!r}")
        super().__init__(VARIABLES[coordinates], standardise=False)
        self.coordinates, self.frame = coordinates, frame

    def values(self, examples: Ragged) -> NDArray[np.float64]:
        n = np.einsum("nij,nj->ni", axes(examples, self.frame), direction(examples))
        if self.coordinates == "direction":
            return n
        phi, theta = np.arctan2(n[:, 1], n[:, 0]), np.arccos(np.clip(n[:, 2], -1, 1))
        return np.stack([phi / np.pi, 2 * theta / np.pi - 1], axis=1)

    def decode(self, batch: FeatureBatch, like: Ragged) -> Ragged:
        """Decays of the clusters of `like` to the same kinds of hadrons in these directions."""
        values = batch.features.detach().double().cpu().numpy()
        if self.coordinates == "angles":
            phi, theta = np.pi * values[:, 0], np.pi / 2 * (1 + np.clip(values[:, 1], -1, 1))
            values = np.stack([np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta)], axis=1)
        along = np.einsum("nij,ni->nj", axes(like, self.frame), unit(values))
        made = decayed(of_cluster(like), like["pdgid"].reshape(-1, 2), along).reshape(-1, 4)
        return replace(like, elements={**like.elements, **dict(zip(HADRON, made.T, strict=True))})
