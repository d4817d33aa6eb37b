"""Graphs of hits: pairs on layers that a track crosses one after the other, if a helix from the beam could join them.

The candidates of a hit are those of the other layer in a window of azimuth, in the bands along the layer that a line
from the beam reaches, found by sorting: never all pairs.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray

from hepexp.batch import GraphBatch
from hepexp.data.datasets.trackml.generate import HALF_LENGTH
from hepexp.data.datasets.trackml.layout import N_BARREL, N_DISCS, N_LAYERS
from hepexp.data.datasets.trackml.windows import BandedLayer
from hepexp.data.representations.edges import in_union
from hepexp.data.representations.representation import Common, Representation
from hepexp.data.store.ragged import Ragged, offsets_of
from hepexp.data.transforms.carry import carried
from hepexp.errors import ConfigError, DataError

LENGTH = 1000.0  # mm, the unit of r and z in the features of nodes
_NEGATIVE, _POSITIVE = (range(first, first + N_DISCS) for first in (N_BARREL, N_BARREL + N_DISCS))
LAYER_PAIRS = (
    *pairwise(range(N_BARREL)),
    *pairwise(_NEGATIVE),
    *pairwise(_POSITIVE),
    *((barrel, side[0]) for barrel in range(N_BARREL) for side in (_NEGATIVE, _POSITIVE)),
)


class HitGraph(Representation[GraphBatch]):
    """Hits (r / m, phi / pi, z / m), and edges outwards to hits that a track could cross next.

    An edge joins hits 1 and 2 if |phi_2 - phi_1| / |r_2 - r_1| and |z_0|, z_0 = z_1 - r_1 (z_2 - z_1) / (r_2 - r_1),
    are within their limits, and, to a disc, if the straight line between them misses the next barrel layer.

    Parameters
    ----------
    dphi_dr : largest |dphi / dr| in rad / mm; 0.0006 suits pT > 0.5 GeV in 2 T.
    z0 : largest |z_0| in mm.
    pt_min : null for honest graphs of all hits. A number, in GeV, for graphs as published, which are cut by truth: hits
        of particles above it, without noise.

    Raises
    ------
    ConfigError : a limit that is not positive. DataError, from `encode`: an event without edges.

    References
    ----------
    G. DeZoort et al., arXiv:2103.16701, section 3.
    """

    name = "graph"

    def __init__(self, dphi_dr: float = 0.0006, z0: float = 200.0, pt_min: float | None = None) -> None:
        for key, value in (("dphi_dr", dphi_dr), ("z0", z0)):
            if not 0 < value < 1e6:
                raise ConfigError(f"dataset.graph.{key} must be > 0 and < 1e6, got {value}")
        if pt_min is not None and not 0 <= pt_min < 1e5:
            raise ConfigError(f"dataset.graph.pt_min must be null, or >= 0 and < 1e5, in GeV, got {pt_min}")
        self.dphi_dr, self.z0, self.pt_min = dphi_dr, z0, pt_min

    def encode(self, examples: Ragged) -> Ragged:
        if self.pt_min is not None:
            examples = examples.keep((examples["particle"] >= 0) & (examples["pt"] > self.pt_min))
        x, y, z = (examples[name].astype(np.float64) for name in ("x", "y", "z"))
        r, phi = np.hypot(x, y), np.arctan2(y, x)
        found = [
            edges_of_event(r[a:b], phi[a:b], z[a:b], examples["layer"][a:b], self.dphi_dr, self.z0)
            for a, b in pairwise(examples.offsets)
        ]
        counts = np.array([edges.shape[1] for edges in found])
        if (counts == 0).any():
            hits = examples.counts[counts == 0][0]
            cut = "" if self.pt_min is None else f" above dataset.graph.pt_min={self.pt_min:g}"
            raise DataError(
                f"trackml: an event of {hits:,} hits{cut} has no edges; expected at least one: loosen "
                "dataset.graph.dphi_dr, z0 or pt_min, or leave such events out"
            )
        ends = np.concatenate(found, axis=1) if found else np.zeros((2, 0), np.int64)
        columns = {"source": ends[0].astype(np.int32), "target": ends[1].astype(np.int32)}
        edges = Ragged(examples.label, offsets_of(counts.astype(np.int64)), columns)
        nodes = np.stack([r / LENGTH, phi / np.pi, z / LENGTH], axis=1).astype(np.float32)
        return Ragged(examples.label, examples.offsets, {"x": nodes, **carried(examples)}, examples.extras, edges)

    def plane(self, examples: Ragged) -> NDArray[np.floating]:
        r, phi = examples["x"][:, 0], np.pi * examples["x"][:, 1]
        return np.stack([r * np.cos(phi), r * np.sin(phi)], axis=1)

    def collate(self, examples: Ragged, common: Common) -> GraphBatch:
        return GraphBatch(
            **common,
            **self.element_targets(examples),
            x=torch.from_numpy(examples["x"]),
            edge_index=torch.from_numpy(in_union(examples)),
            graph=torch.from_numpy(np.repeat(np.arange(len(examples)), examples.counts)),
        )


def edges_of_event(
    r: NDArray[np.float64],
    phi: NDArray[np.float64],
    z: NDArray[np.float64],
    layer: NDArray[np.integer],
    dphi_dr: float,
    most_z0: float,
) -> NDArray[np.int64]:
    """Edges (2, E), from the inner hit to the outer one, of the hits (m,) of an event; see `HitGraph`."""
    layers = _by_layer(r, phi, z, layer)
    found = [np.zeros((2, 0), np.int64)]
    for inner, outer in LAYER_PAIRS:
        if inner not in layers or outer not in layers:
            continue
        own, there = layers[inner][0], layers[outer][1]
        place, n = there.near(r[own], phi[own], z[own], dphi_dr, most_z0)
        r1, phi1, z1 = (np.repeat(values[own], n) for values in (r, phi, z))
        r2, z2 = there.r[place], there.z[place]
        dr = r2 - r1
        with np.errstate(divide="ignore", invalid="ignore"):
            per_r = (z2 - z1) / dr
            kept = (abs(there.phi[place] - phi1) < dphi_dr * abs(dr)) & (abs(z1 - r1 * per_r) < most_z0)
            if inner + 1 < N_BARREL <= outer and inner + 1 in layers:
                barrel = r[layers[inner + 1][0]].mean()
                kept &= (barrel > r2) | (abs(z1 + (barrel - r1) * per_r) > HALF_LENGTH)
        found.append(np.stack([np.repeat(own, n)[kept], there.hit[place[kept]]]))
    return np.concatenate(found, axis=1)


def _by_layer(
    r: NDArray[np.float64], phi: NDArray[np.float64], z: NDArray[np.float64], layer: NDArray[np.integer]
) -> dict[int, tuple[NDArray[np.int64], BandedLayer]]:
    """The hits of each layer that has some, in azimuth and in bands."""
    found = {}
    for number in range(N_LAYERS):
        own = np.flatnonzero(layer == number)
        if len(own):
            own = own[np.argsort(phi[own])]
            found[number] = own, BandedLayer.of(number, own, r[own], phi[own], z[own])
    return found
