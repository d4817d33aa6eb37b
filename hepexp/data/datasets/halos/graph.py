"""Graphs of the galaxies of a halo, each joined to all within a radius."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from hepexp.batch import GraphBatch
from hepexp.data.datasets.halos.info import AXES
from hepexp.data.representations.edges import all_pairs
from hepexp.data.representations.representation import Common, Representation
from hepexp.data.store.ragged import Ragged
from hepexp.errors import ConfigError

LENGTH, STARS, SIZE, SPEED = 25.0, 1e10, 8.0, 100.0  # Mpc/h, Msun/h, kpc/h, km/s: the published units of the features


class GalaxyGraph(Representation[GraphBatch]):
    """Galaxies (x, y, z / 25 Mpc/h, log10 M* / (10^10 Msun/h), R_half / 8 kpc/h, log10 |v| / 100 km/s).

    Places and velocities are relative to the centre of the halo, which only a simulation knows; a survey would take the
    central galaxy instead.

    Parameters
    ----------
    radius : within which two galaxies are joined, in 25 Mpc/h; 0.142, 3.55 Mpc/h, joins all of a halo.

    Raises
    ------
    ConfigError : a radius out of range.

    References
    ----------
    P. Villanueva-Domingo et al., arXiv:2111.08683.
    """

    name = "graph"
    n_rotated = len(AXES)  # of the features, by dataset.augment.rotate

    def __init__(self, radius: float = 0.142) -> None:
        if not 0 < radius < 1e3:
            raise ConfigError(f"dataset.graph.radius must be > 0 and < 1000, in units of 25 Mpc/h, got {radius}")
        self.radius = radius

    def encode(self, examples: Ragged) -> Ragged:
        of = {name: examples[name].astype(np.float64) for name in (*AXES, "log_stars", "size", "speed")}
        scaled = [
            *(of[axis] / LENGTH for axis in AXES),
            of["log_stars"] - np.log10(STARS),
            of["size"] / SIZE,
            np.log10(of["speed"] / SPEED),
        ]
        return replace(examples, elements={"x": np.stack(scaled, axis=1).astype(np.float32)})

    def plane(self, examples: Ragged) -> NDArray[np.floating]:
        return examples["x"][:, :2]

    def collate(self, examples: Ragged, common: Common) -> GraphBatch:
        x, pairs = examples["x"], all_pairs(examples)
        apart = np.linalg.norm(x[pairs[0], : len(AXES)] - x[pairs[1], : len(AXES)], axis=1)
        return GraphBatch(
            **common,
            x=torch.from_numpy(x),
            edge_index=torch.from_numpy(pairs[:, apart < self.radius]),
            graph=torch.from_numpy(np.repeat(np.arange(len(examples)), examples.counts)),
        )
