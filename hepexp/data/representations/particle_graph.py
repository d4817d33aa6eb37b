"""Graphs whose nodes are the particles of a jet."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch

from hepexp.batch import GraphBatch
from hepexp.data.physics.kinematics import around_axis, sums
from hepexp.data.representations.edges import all_pairs, check_k, edges_to, nearest
from hepexp.data.representations.representation import Common, Representation
from hepexp.data.store.ragged import Ragged
from hepexp.data.transforms.carry import carried
from hepexp.errors import ConfigError


class ParticleGraph(Representation):
    """Particles connected to their nearest neighbours in (rapidity, azimuth), or each to every other.

    The features of a node are its rapidity and azimuth relative to the jet axis, ln pT, ln E, ln(pT / sum pT),
    ln(E / sum E), its distance from the axis, and the particle's scalars; momenta are in GeV.

    Parameters
    ----------
    edges : `nearest` to connect each particle to its k nearest neighbours, `all` to connect every pair.
    k : number of neighbours of each particle with edges=nearest.

    Raises
    ------
    ConfigError : `edges` is neither, or k is below 1 or above 1000.
    """

    name = "graph"

    def __init__(self, edges: Literal["nearest", "all"] = "nearest", k: int = 16) -> None:
        if edges not in ("nearest", "all"):
            raise ConfigError(f"dataset.graph.edges must be nearest or all, got {edges!r}")
        check_k(k)
        self.edges = edges
        self.k = k

    def encode(self, examples: Ragged) -> Ragged:
        pt, dy, dphi = around_axis(examples)
        energy = examples["p4"][:, 0]
        of_jet = [np.repeat(sums(values, examples), examples.counts) for values in (pt, energy)]
        kinematics = [dy, dphi, np.log(pt), np.log(energy), np.log(pt / of_jet[0]), np.log(energy / of_jet[1])]
        x = np.column_stack([*kinematics, np.hypot(dy, dphi), examples["scalars"]]).astype(np.float32)
        columns = {"x": x, **carried(examples)}
        if self.edges == "nearest":
            columns["near"] = nearest(np.stack([dy, dphi], axis=1), examples.offsets, self.k)
        return Ragged(examples.label, examples.offsets, columns, examples.extras)

    def collate(self, examples: Ragged, common: Common) -> GraphBatch:
        edge_index = edges_to(examples["near"], examples) if self.edges == "nearest" else all_pairs(examples)
        return GraphBatch(
            **common,
            **self.element_targets(examples),
            x=torch.from_numpy(examples["x"]),
            edge_index=torch.from_numpy(edge_index),
            graph=torch.from_numpy(np.repeat(np.arange(len(examples)), examples.counts)),
        )
