"""Graphs whose nodes are the particles of a jet."""

from __future__ import annotations

import copy
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from hepexp.batch import GraphBatch
from hepexp.data.physics.kinematics import around_axis, invariant_mass, polar, sums
from hepexp.data.representations.edges import all_pairs, check_k, edges_to, given, in_union, nearest
from hepexp.data.representations.representation import Common, Representation
from hepexp.data.representations.scale import mean_and_spread
from hepexp.data.store.ragged import Layout, Ragged
from hepexp.data.transforms.carry import carried, edge_labels
from hepexp.errors import ConfigError

RELATIVE = ("delta y", "delta phi", "ln pT", "ln E", "ln pT / jet", "ln E / jet", "delta R")
MOMENTUM = ("pT", "y", "phi", "m", "E", "px", "py", "pz")


class ParticleGraph(Representation[GraphBatch]):
    """Particles connected to their nearest neighbours in (rapidity, azimuth), each to every other, or as given.

    The features of a node are its rapidity and azimuth relative to the jet axis, ln pT, ln E, ln(pT / sum pT),
    ln(E / sum E), its distance from the axis, and the particle's scalars; momenta are in GeV.

    Parameters
    ----------
    nodes : `relative` for these features; `momentum` for pT, y, phi, m, E, px, py and pz of the particle, standardised
        over training examples, and nothing else.
    edges : `nearest` to connect each particle to its k nearest neighbours, `all` to connect every pair, `given` to
        connect those that the data connect; null for the given edges of data that have some, and nearest otherwise.
    k : number of neighbours of each particle with edges=nearest.
    directed : whether given edges run from their source to their target only; by default they run in both directions,
        whether the data have one of these or both.

    Raises
    ------
    ConfigError : `edges` or `nodes` is none of these, or k is below 1 or above 1000.
    """

    name = "graph"

    def __init__(
        self,
        edges: Literal["nearest", "all", "given"] | None = None,
        k: int = 16,
        directed: bool = False,
        nodes: Literal["relative", "momentum"] = "relative",
    ) -> None:
        if edges not in ("nearest", "all", "given", None):
            raise ConfigError(f"dataset.graph.edges must be nearest, all, given or null, got {edges!r}")
        if nodes not in ("relative", "momentum"):
            raise ConfigError(f"dataset.graph.nodes must be relative or momentum, got {nodes!r}")
        check_k(k)
        self.nodes = nodes
        self.scales = ("mean", "std") if nodes == "momentum" else ()
        self.mean, self.std = np.zeros(1), np.ones(1)
        self.edges = edges
        self.k = k
        self.directed = directed

    def of_layout(self, layout: Layout) -> ParticleGraph:
        """A copy for examples of this layout, which may have edges.

        Raises
        ------
        ConfigError : edges that the examples do not have are asked for.
        """
        made = copy.copy(self)
        made.edges = self.edges or ("given" if layout.edges else "nearest")
        if made.edges == "given" and not layout.edges:
            raise ConfigError(
                "dataset.graph.edges=given: these data have no edges; expected nearest or all, or data=files with "
                "dataset.edges, the columns of their ends"
            )
        if self.directed and made.edges != "given":
            raise ConfigError(f"dataset.graph.directed=true is for given edges; got edges={made.edges}")
        return made

    @property
    def column_names(self) -> tuple[str, ...]:
        """Of the features of a node, before its scalars."""
        return MOMENTUM if self.nodes == "momentum" else RELATIVE

    @property
    def reads_edges(self) -> bool:
        return self.edges == "given"

    def fit(self, examples: Ragged) -> None:
        if self.nodes == "momentum":
            self.mean, self.std = mean_and_spread(examples["x"])

    def encode(self, examples: Ragged) -> Ragged:
        pt, dy, dphi = around_axis(examples)
        x = momentum(examples) if self.nodes == "momentum" else relative(examples, pt, dy, dphi)
        columns = {"x": x.astype(np.float32), **carried(examples)}
        edges = given(examples, self.directed) if self.edges == "given" else None
        if self.edges in ("nearest", None):
            columns["near"] = nearest(np.stack([dy, dphi], axis=1), examples.offsets, self.k)
        return Ragged(examples.label, examples.offsets, columns, examples.extras, edges)

    def plane(self, examples: Ragged) -> NDArray[np.floating]:
        first = 1 if self.nodes == "momentum" else 0
        return examples["x"][:, first : first + 2]  # rapidity and azimuth

    def collate(self, examples: Ragged, common: Common) -> GraphBatch:
        found = None
        if self.edges == "given":
            edge_index, found = in_union(examples), edge_labels(examples)
        else:
            edge_index = all_pairs(examples) if self.edges == "all" else edges_to(examples["near"], examples)
        return GraphBatch(
            **common,
            **self.element_targets(examples),
            x=torch.from_numpy(self._scaled(examples["x"])),
            edge_index=torch.from_numpy(edge_index),
            graph=torch.from_numpy(np.repeat(np.arange(len(examples)), examples.counts)),
            edge_label=None if found is None else torch.from_numpy(found),
        )

    def _scaled(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        return ((x - self.mean) / self.std).astype(np.float32) if self.scales else x


def relative(
    examples: Ragged, pt: NDArray[np.float64], dy: NDArray[np.float64], dphi: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The features (m, 7 + S) of nodes relative to the jet, with pT (m,) of the particles and their place (m,)."""
    energy = examples["p4"][:, 0]
    of_jet = [np.repeat(sums(values, examples), examples.counts) for values in (pt, energy)]
    kinematics = [dy, dphi, np.log(pt), np.log(energy), np.log(pt / of_jet[0]), np.log(energy / of_jet[1])]
    return np.column_stack([*kinematics, np.hypot(dy, dphi), examples["scalars"]])


def momentum(examples: Ragged) -> NDArray[np.float64]:
    """pT, y, phi, m, E, px, py and pz (m, 8) of the particles."""
    p4 = examples["p4"]
    return np.column_stack([*polar(p4), invariant_mass(p4), p4])
