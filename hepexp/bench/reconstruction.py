"""Parts of reconstruction, on one event or batch: ours vs the plain way to compute the same thing.

Each case has the same inputs and weights; what comes out is compared before anything is timed, and `difference` is the
largest difference in float64 (of graphs the number of edges that only one has). 1 MAC is 2 FLOP.

graph : 10,000 particles with 52,000 hits and 0.4 million edges, against all pairs of hits of two layers, 0.3 billion of
    them, some hits at a time. Ours tests 1.7 million candidates, each with some twenty reads and writes of 8 bytes: 0.3
    GB of memory access, 0.03 s at 10 GB/s, beside 0.02 s to sort the hits and to write the edges.
interaction_network : 4,000 particles, 20,000 hits, 70,000 edges, against torch-geometric's messages on rows.
    R1 has 2,160 MAC a message, two for each edge, and R2 2,040 an edge: 0.9 GFLOP, 15 ms at 60 GFLOP/s, which
    one core reaches on products of width 40 that stay in its cache; a training step is three times as much.
set2graph : 256 made-up jets of 8 tracks in the mean in eight batches, sorted by the number of tracks, against the same
    in random order: the whole network, 0.44 million MAC for each track and 2.8k for each pair, padding included. The
    floor is the time without padding.
spanet_triplets : 64 events of 10 jets, width 64, contracted one jet at a time, 262k MAC for each bottom quark, 4.1k for
    each of its pairs with a jet and 64 for each triplet: 3.1 million an event; against the products of all pairs of
    encodings (materialised) times Theta, 262k for each pair and 64 for each triplet: 26 million.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hepexp.batch import Batch, GraphBatch, JetBatch
from hepexp.bench.taggers import in_turn, inference, training
from hepexp.data.datasets.trackml import generate
from hepexp.data.datasets.trackml.graph import LAYER_PAIRS, edges_of_event
from hepexp.data.datasets.trackml.layout import N_BARREL
from hepexp.errors import HepexpError
from hepexp.models.interaction_network import InteractionNetwork
from hepexp.models.set2graph import Set2Graph
from hepexp.models.spanet import TripletAttention

DPHI_DR, MOST_Z0 = 0.0006, 200.0  # rad/mm and mm
TOLERANCE = 1e-5
AT_A_TIME = 64  # hits that are compared with all of a layer
N_BATCHES, N_SCALARS = 8, 10  # of set2graph
Event = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.integer]]


def rows(
    n_particles: int = 10_000, n_tracked: int = 4_000, n_jets: int = 256, n_events: int = 64, repeats: int = 3
) -> list[dict]:
    """Events, or jets, per second of one thread: medians over alternating measurements, after a warm-up.

    Seconds are those in which the process runs, so that other work on the machine hardly counts.

    Parameters
    ----------
    n_particles, n_tracked : of the events of which a graph is made, and the network reads one.
    n_jets, n_events : of set2graph, and of the triplets.
    repeats : measurements of each.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return [
            *graph_rows(n_particles, repeats),
            *network_rows(n_tracked, repeats),
            *set2graph_rows(n_jets, repeats),
            *triplet_rows(n_events, repeats),
        ]
    finally:
        torch.set_num_threads(threads)


def graph_rows(n_particles: int, repeats: int) -> list[dict]:
    event = hits(n_particles)
    ours, plain = edges_of_event(*event, DPHI_DR, MOST_Z0), all_pairs(*event)
    codes = [edges[0] * len(event[0]) + edges[1] for edges in (ours, plain)]
    difference = _checked("graph", float(len(np.setxor1d(*codes))))

    builders = {"hepexp": lambda: edges_of_event(*event, DPHI_DR, MOST_Z0), "all-pairs": lambda: all_pairs(*event)}
    return _timed("graph", builders, 1, difference, repeats)


def network_rows(n_particles: int, repeats: int) -> list[dict]:
    from hepexp.bench.messages_on_rows import MessagesOnRows  # torch-geometric takes seconds to import

    event = hits(n_particles)
    r, phi, z, _ = event
    zero, x = torch.zeros(1, dtype=torch.int64), np.stack([r / 1000, phi / np.pi, z / 1000], axis=1)
    batch = GraphBatch(
        zero,
        zero,
        torch.zeros(1, 0),
        x=torch.from_numpy(x).float(),
        edge_index=torch.from_numpy(edges_of_event(*event, DPHI_DR, MOST_Z0)),
        graph=torch.zeros(len(x), dtype=torch.int64),
    )
    torch.manual_seed(1)
    ours = InteractionNetwork(n_node_features=3)
    models: dict[str, nn.Module] = {"hepexp": ours, "torch-geometric": MessagesOnRows(ours)}
    difference = _compared("interaction_network", models, batch)

    runs = (("training", lambda model: training(model, batch, _square)), ("inference", lambda m: inference(m, batch)))
    return [
        row
        for what, run in runs
        for row in _timed(f"interaction_network {what}", _each(run, models), 1, difference, repeats)
    ]


def set2graph_rows(n_jets: int, repeats: int) -> list[dict]:
    random = np.random.default_rng(1)
    counts = 2 + random.poisson(random.gamma(2.0, 3.0, n_jets))  # few tracks in most jets, many in some
    scalars = torch.from_numpy(random.normal(size=(n_jets, counts.max(), N_SCALARS)))
    torch.manual_seed(1)
    model = Set2Graph(n_scalars=N_SCALARS).eval()
    orders = {"hepexp": np.argsort(counts, kind="stable"), "random order": np.arange(n_jets)}
    batches = {
        name: [_jets(scalars[own], counts[own]) for own in np.array_split(order, min(N_BATCHES, n_jets))]
        for name, order in orders.items()
    }
    model.double()
    found = [_logits(model, batches[name], order) for name, order in orders.items()]
    difference = _checked("set2graph", max(float((a - b).abs().max()) for a, b in zip(*found, strict=True)))
    model.float()

    def run(own: list[JetBatch]) -> Callable[[], None]:
        steps = [inference(model, batch) for batch in own]

        def each() -> None:
            for step in steps:
                step()

        return each

    return _timed("set2graph inference", _each(run, batches), n_jets, difference, repeats)


class Materialised(nn.Module):
    """The attention of another module over triplets of jets, by the products of all pairs of its encodings."""

    def __init__(self, of: TripletAttention) -> None:
        super().__init__()
        self.of = of

    def forward(self, x: Tensor) -> Tensor:
        first, second, bottom = (encode(x) for encode in (self.of.first, self.of.second, self.of.bottom))
        pair = torch.einsum("nia,njb->nijab", first, second)
        pair = (pair + pair.transpose(1, 2)) / 2
        return torch.einsum("nijc,nkc->nijk", pair.flatten(3) @ self.of.theta.flatten(0, 1), bottom)


def triplet_rows(n_events: int, repeats: int, n_jets: int = 10, dim: int = 64) -> list[dict]:
    torch.manual_seed(1)
    ours = TripletAttention(dim)
    x = torch.randn(n_events, n_jets, dim)
    models: dict[str, nn.Module] = {"hepexp": ours, "materialised": Materialised(ours)}
    difference = _compared("spanet_triplets", models, x.double())

    def back(model: nn.Module) -> Callable[[], None]:
        return lambda: model(x).square().mean().backward()

    def forward(model: nn.Module) -> Callable[[], None]:
        return lambda: _without_gradients(model, x)

    runs = (("training", back), ("inference", forward))
    return [
        row
        for what, run in runs
        for row in _timed(f"spanet_triplets {what}", _each(run, models), n_events, difference, repeats)
    ]


def hits(n_particles: int) -> Event:
    """r, phi, z and layer (m,) of the hits of a simulated event."""
    event = generate.event(np.random.default_rng(1), n_particles)
    x, y, z = (event[name].astype(np.float64) for name in "xyz")
    return np.hypot(x, y), np.arctan2(y, x), z, event["layer"]


def all_pairs(r: NDArray, phi: NDArray, z: NDArray, layer: NDArray) -> NDArray[np.int64]:
    """The edges of `HitGraph` by looking at each hit of the inner layer with each of the outer one."""
    of = [np.flatnonzero(layer == number) for number in range(generate.N_LAYERS)]
    found = [np.zeros((2, 0), np.int64)]
    for inner, outer in LAYER_PAIRS:
        barrel = r[of[inner + 1]].mean() if inner + 1 < N_BARREL <= outer and len(of[inner + 1]) else np.inf
        for start in range(0, len(of[inner]), AT_A_TIME):
            own = of[inner][start : start + AT_A_TIME]
            r1, z1, r2 = r[own, None], z[own, None], r[of[outer]]
            dphi = abs(phi[of[outer]] - phi[own, None])
            dr, dphi = r2 - r1, np.minimum(dphi, 2 * np.pi - dphi)
            with np.errstate(divide="ignore", invalid="ignore"):
                per_r = (z[of[outer]] - z1) / dr
                kept = (dphi < DPHI_DR * abs(dr)) & (abs(z1 - r1 * per_r) < MOST_Z0)
                kept &= (barrel > r2) | (abs(z1 + (barrel - r1) * per_r) > generate.HALF_LENGTH)
            first, second = np.nonzero(kept)
            found.append(np.stack([own[first], of[outer][second]]))
    return np.concatenate(found, axis=1)


def _jets(scalars: Tensor, counts: NDArray) -> JetBatch:
    """Jets of so many tracks, padded to the longest."""
    n, longest = len(counts), int(counts.max())
    mask = torch.arange(longest) < torch.from_numpy(counts)[:, None]
    index = torch.arange(n)
    own = scalars[:, :longest] * mask[..., None]
    return JetBatch(index, index, torch.zeros(n, 0), p4=torch.zeros(n, longest, 4), scalars=own, mask=mask)


@torch.no_grad()
def _logits(model: nn.Module, batches: Sequence[JetBatch], order: NDArray) -> list[Tensor]:
    """The logits (n, n) of each jet, whatever the order in which batches have them."""
    of = [jet[:n, :n] for batch in batches for jet, n in zip(model(batch), batch.mask.sum(1).tolist(), strict=True)]
    return [of[place] for place in np.argsort(order)]


@torch.no_grad()
def _without_gradients(model: nn.Module, x: Tensor) -> None:
    model(x)


def _square(logits: Tensor, batch: Batch) -> Tensor:
    return logits.square().mean()


def _each(run: Callable, things: Mapping[str, object]) -> dict[str, Callable[[], None]]:
    return {name: run(thing) for name, thing in things.items()}


@torch.no_grad()
def _compared(case: str, models: Mapping[str, nn.Module], given: Batch | Tensor) -> float:
    """The largest difference of what two models give, in float64."""
    ours, reference = (model.double()(given) for model in models.values())
    for model in models.values():
        model.float()
    return _checked(case, float((ours - reference).abs().max()))


def _checked(case: str, difference: float) -> float:
    if not difference <= TOLERANCE:
        raise HepexpError(f"bench: the results of {case} differ by {difference:.1e}; a time would mean nothing")
    return difference


def _timed(case: str, steps: Mapping[str, Callable[[], object]], n: int, difference: float, repeats: int) -> list[dict]:
    """A row for each implementation of a case that does n events in a step; ours is the first."""
    return [
        {"case": case, "implementation": name, "per_second": n / seconds}
        | ({} if name == "hepexp" else {"difference": difference})
        for name, seconds in in_turn(steps, repeats, time.process_time).items()
    ]
