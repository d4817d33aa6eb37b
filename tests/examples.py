"""Synthetic batches in the five representations, for tests of models."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch

from hepexp.batch import Batch, CloudBatch, DataSpec, FeatureBatch, GraphBatch, ImageBatch, JetBatch
from hepexp.check.arrangement import PermutedNodes
from tests import jets

N_NODE_FEATURES, N_FEATURES, IMAGE_SHAPE, N_POINT_FEATURES, N_CONDITIONS = 5, 8, (3, 24, 24), 3, 2
SPEC = DataSpec(
    class_names=("gluon", "quark"),
    n_scalars=8,
    image_shape=IMAGE_SHAPE,
    n_node_features=N_NODE_FEATURES,
    n_features=N_FEATURES,
    n_point_features=N_POINT_FEATURES,
)


def random_particles(n: int, seed: int = 0) -> JetBatch:
    """Jets of 3 to 24 particles."""
    return jets.random_jets(n, n_min=3, n_max=24, seed=seed)


def random_images(n: int, seed: int = 0) -> ImageBatch:
    """Images of which a tenth of the pixels is not zero."""
    g = torch.Generator().manual_seed(seed)
    shape = (n, *IMAGE_SHAPE)
    image = torch.empty(shape).exponential_(generator=g) * (torch.rand(shape, generator=g) < 0.1)
    return ImageBatch(**_common(n), image=image)


def random_graphs(n: int, seed: int = 0) -> GraphBatch:
    """Graphs of 3 to 12 nodes; each pair of nodes is joined, both ways, with probability one half."""
    g = torch.Generator().manual_seed(seed)
    counts = torch.randint(3, 13, (n,), generator=g)
    graph = torch.arange(n).repeat_interleave(counts)
    joined = (graph[:, None] == graph) & (torch.rand(len(graph), len(graph), generator=g) < 0.5)
    joined = (joined | joined.T).fill_diagonal_(False)
    x = torch.randn(len(graph), N_NODE_FEATURES, generator=g)
    return GraphBatch(**_common(n), x=x, edge_index=joined.nonzero().T, graph=graph)


def random_features(n: int, seed: int = 0) -> FeatureBatch:
    """Standardised variables."""
    g = torch.Generator().manual_seed(seed)
    return FeatureBatch(**_common(n), features=torch.randn(n, N_FEATURES, generator=g))


def random_clouds(n: int, seed: int = 0, counts: torch.Tensor | None = None) -> CloudBatch:
    """Clouds of 2 to 12 points in float64, or of given numbers of points (n,), with two further conditions."""
    g = torch.Generator().manual_seed(seed)
    counts = torch.randint(2, 13, (n,), generator=g) if counts is None else counts
    mask = torch.arange(int(counts.max())) < counts[:, None]
    points = torch.randn(n, mask.shape[1], N_POINT_FEATURES, generator=g, dtype=torch.float64) * mask[..., None]
    common = _common(n) | {"extras": torch.randn(n, N_CONDITIONS, generator=g)}
    return CloudBatch(**common, points=points, mask=mask)


def _common(n: int) -> dict[str, torch.Tensor]:
    return {"label": torch.arange(n) % 2, "index": torch.arange(n), "extras": torch.zeros(n, 0)}


def _some(batch: Batch, rows: list[int], **own: torch.Tensor) -> Batch:
    return replace(batch, label=batch.label[rows], index=batch.index[rows], extras=batch.extras[rows], **own)


def _some_graphs(batch: GraphBatch, rows: list[int]) -> GraphBatch:
    nodes = torch.cat([(batch.graph == row).nonzero()[:, 0] for row in rows])
    new = torch.full((len(batch.graph),), -1)
    new[nodes] = torch.arange(len(nodes))
    edges = new[batch.edge_index]
    counts = torch.tensor([(batch.graph == row).sum() for row in rows])
    graph = torch.arange(len(rows)).repeat_interleave(counts)
    return _some(batch, rows, x=batch.x[nodes], edge_index=edges[:, (edges >= 0).all(0)], graph=graph)


def permute_nodes(batch: GraphBatch, seed: int = 0) -> GraphBatch:
    """The same graphs, the nodes of each and all edges in another order."""
    return PermutedNodes()(batch, torch.Generator().manual_seed(seed))


@dataclass(frozen=True)
class Examples:
    """How the tests make batches of one representation.

    Parameters
    ----------
    random : so many examples, from a seed, labels alternating.
    select : the examples of a batch at some rows, as a batch of their own.
    smallest : five examples that have hardly anything in them.
    """

    random: Callable[..., Batch]
    select: Callable[[Batch, list[int]], Batch]
    smallest: Callable[[], Batch]


def _blank(batch: ImageBatch) -> ImageBatch:
    return replace(batch, image=batch.image * torch.tensor([0, 1, 0, 1, 1])[:, None, None, None])


def _lonely(batch: GraphBatch) -> GraphBatch:
    """Single nodes, the first of them zero, but two in the second graph; no edges."""
    first = torch.searchsorted(batch.graph, torch.arange(len(batch)))
    kept = torch.cat([first[:1], first[1:2], first[1:2] + 1, first[2:]])
    x = batch.x[kept]
    x[0] = 0
    return replace(batch, x=x, edge_index=batch.edge_index[:, :0], graph=batch.graph[kept])


EXAMPLES = {
    "particles": Examples(
        random_particles, jets.select, lambda: jets.random_jets(multiplicity=torch.tensor([1, 2, 1, 2, 2]))
    ),
    "image": Examples(
        random_images, lambda b, rows: _some(b, rows, image=b.image[rows]), lambda: _blank(random_images(5))
    ),
    "graph": Examples(random_graphs, _some_graphs, lambda: _lonely(random_graphs(5))),
    "features": Examples(
        random_features,
        lambda b, rows: _some(b, rows, features=b.features[rows]),
        lambda: replace(random_features(5), features=torch.zeros(5, N_FEATURES)),
    ),
    "cloud": Examples(
        random_clouds,
        lambda b, rows: _some(b, rows, points=b.points[rows], mask=b.mask[rows]),
        lambda: random_clouds(5, counts=torch.ones(5, dtype=torch.long)),
    ),
}
