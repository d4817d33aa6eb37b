"""Track finding by a Hopfield network of segments between hits, in mean-field theory; nothing is trained."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from hepexp.batch import GraphBatch
from hepexp.errors import ConfigError
from hepexp.memory import require
from hepexp.models.interaction_network import check_hits

SETTLED = 1e-3  # a neuron moves by less at each update
NUMBERS_A_PAIR = 14  # kept at a time for each pair of segments that meet
HALVINGS = 30  # of a step that would raise the energy, before the event is left as it is


@dataclass(frozen=True)
class Segments:
    """The neurons V_ij of a batch, one for each edge from hit i to hit j, and what couples them.

    Parameters
    ----------
    inner, outer : (E,) hits i and j.
    event : (E,) the event of each segment; n_hits : (B,) hits of each event.
    first, second : (K,) segments ij and jl that meet in hit j; c : (K,) cos^m theta_ijl / (r_ij + r_jl), in 1/m.
    alpha, beta : of the energy, see `TrackHopfield`.
    """

    inner: Tensor
    outer: Tensor
    event: Tensor
    n_hits: Tensor
    first: Tensor
    second: Tensor
    c: Tensor
    alpha: float
    beta: float

    def field(self, V: Tensor) -> Tensor:
        """u = -dE/dV (E,)."""
        target = self.beta * (self.n_hits.to(V.dtype) - 0.5)
        return self.coupled(V) + target[self.event]

    def coupled(self, V: Tensor) -> Tensor:
        """The part of the field that is linear in V."""
        aligned = torch.zeros_like(V)
        aligned = aligned.index_add(0, self.first, self.c * V[self.second])
        aligned = aligned.index_add(0, self.second, self.c * V[self.first])
        n = int(self.n_hits.sum())
        leaving, coming = (V.new_zeros(n).index_add(0, ends, V)[ends] for ends in (self.inner, self.outer))
        return aligned - self.alpha * (leaving + coming - 2 * V) - self.beta * (self.total(V)[self.event] - V)

    def total(self, values: Tensor) -> Tensor:
        """Sums (B,) over the segments of each event."""
        return values.new_zeros(len(self.n_hits)).index_add(0, self.event, values)

    def update(self, V: Tensor, T: float, active: Tensor) -> tuple[Tensor, Tensor]:
        """V after one damped update of each active event, and which (B,) are still to settle.

        All segments move towards V_ij = (1 + tanh(u_ij / T)) / 2, of each event by the largest of the shares 1, 1/2,
        1/4, ... by which the free energy falls: with W the couplings, it changes along d by
        -share u.d - share^2 d.Wd / 2 - T (S(V + share d) - S(V)), S as in `TrackHopfield`.
        """
        u = self.field(V)
        d = torch.sigmoid(2 * u / T) - V
        largest = V.new_zeros(len(self.n_hits)).scatter_reduce(0, self.event, d.abs(), "amax")
        active = active & (largest > SETTLED)
        linear, square = self.total(u * d), self.total(d * self.coupled(d)) / 2
        entropy, share = self.total(_entropy(V)), active.to(V.dtype)
        for _ in range(HALVINGS):
            moved = V + share[self.event] * d
            change = -share * linear - share**2 * square - T * (self.total(_entropy(moved)) - entropy)
            if not (rises := change > 0).any():
                break
            share = torch.where(rises, share / 2, share)
        else:
            active = active & ~rises
            moved = torch.where(rises[self.event], V, moved)
        return moved, active


class TrackHopfield(nn.Module):
    """Which segments between hits make smooth tracks: neurons V_ij in [0, 1] that anneal to a minimum of the energy

        E = - sum_ijl cos^m theta_ijl / (r_ij + r_jl) V_ij V_jl
            + alpha / 2 (sum_ij sum_l!=j V_ij V_il + sum_ij sum_k!=i V_ij V_kj) + beta / 2 (sum_ij V_ij - N)^2.

    Segments that follow each other in a straight line excite each other, those that leave the same hit or come to the
    same one compete, and the last term, from which V_ij^2 - V_ij is left out, wants as many segments as there are hits.
    In mean-field theory at the temperature T, V_ij = (1 + tanh(u_ij / T)) / 2 with u = -dE/dV; to get there, all
    neurons of an event are updated at once, damped so that the free energy E - T S falls at each update, where S =
    -1/2 sum V ln V + (1 - V) ln(1 - V). The original has V in [-1, 1].

    Parameters
    ----------
    alpha : 1/m, cost of two segments that share an inner or an outer hit.
    beta : 1/m, cost of more or fewer segments than hits.
    power : m of the cosine.
    cut : smallest cos theta of two segments that excite each other.
    temperatures : from the first to the last, 1/m.
    coolings : temperatures in geometric progression.
    updates : most at each temperature.
    start : V_ij in the beginning.
    n_node_features : features of each node in the data set, r, phi / pi and z.

    Shapes
    ------
    x (M, 3) with r and z in m; edge_index (2, E) from the inner hit to the outer one -> logits (E, 1), ln V / (1 - V).

    Raises
    ------
    ConfigError : a value out of range, nodes with other features, or more pairs of segments than memory affords.

    References
    ----------
    B. Denby, Comput. Phys. Commun. 49 (1988) 429; C. Peterson, Nucl. Instrum. Meth. A 279 (1989) 537.
    """

    input = "graph"
    lorentz_invariant = False

    def __init__(
        self,
        alpha: float = 5.0,
        beta: float = 0.0,
        power: float = 2000.0,
        cut: float = 0.99,
        temperatures: tuple[float, float] = (10.0, 1.0),
        coolings: int = 20,
        updates: int = 20,
        start: float = 0.2,
        *,
        n_node_features: int,
    ):
        super().__init__()
        for name, value in (("alpha", alpha), ("beta", beta), ("power", power)):
            if not 0 <= value < 1e6:
                raise ConfigError(f"model.{name} must be >= 0 and < 1e6, got {value}")
        if not 0 <= cut < 1:
            raise ConfigError(f"model.cut must be >= 0 and < 1, got {cut}")
        if len(temperatures) != 2 or not 1e6 > temperatures[0] >= temperatures[1] > 1e-6:
            raise ConfigError(
                "model.temperatures must be two numbers from 1e-6 to 1e6, the second not above the first, "
                f"got {list(temperatures)}"
            )
        for name, count in (("coolings", coolings), ("updates", updates)):
            if not 1 <= count <= 100_000:
                raise ConfigError(f"model.{name} must be from 1 to 100000, got {count}")
        if not 0 < start < 1:
            raise ConfigError(f"model.start must be > 0 and < 1, got {start}")
        check_hits("track_hopfield", n_node_features)
        self.alpha, self.beta, self.power, self.cut = alpha, beta, power, cut
        first, last = temperatures
        steps = max(coolings - 1, 1)
        self.schedule = [first * (last / first) ** (k / steps) for k in range(coolings)]
        self.updates, self.start = updates, start

    def forward(self, batch: GraphBatch) -> Tensor:
        if batch.x.is_meta:  # how many pairs of segments meet is known of numbers only
            return batch.x.new_zeros(batch.edge_index.shape[1], 1)
        device = batch.x.device
        here = batch.to("cpu") if device.type == "mps" else batch  # which has no float64
        ((_, V),) = deque(self.anneal(self.segments(here)), maxlen=1)  # the last
        return torch.logit(V, eps=1e-9)[:, None].float().to(device)

    def anneal(self, segments: Segments) -> Iterator[tuple[float, Tensor]]:
        """Temperature and neurons (E,), at the start and after each update."""
        V = torch.full((len(segments.inner),), self.start, dtype=segments.c.dtype, device=segments.c.device)
        yield self.schedule[0], V
        for T in self.schedule:
            active = torch.ones_like(segments.n_hits, dtype=torch.bool)
            for _ in range(self.updates):
                V, active = segments.update(V, T, active)
                yield T, V
                if not active.any():
                    break

    def segments(self, batch: GraphBatch) -> Segments:
        """The segments of a batch and their couplings, in float64; only pairs that meet in a hit are ever made."""
        r, phi, z = batch.x.double().T
        place = torch.stack([r * (torch.pi * phi).cos(), r * (torch.pi * phi).sin(), z], dim=1)
        inner, outer = batch.edge_index
        first, second = _meeting(inner, outer, len(place))
        along = place[outer] - place[inner]
        length = along.norm(dim=1).clamp(min=1e-9)
        cosine = (along[first] * along[second]).sum(1) / (length[first] * length[second])
        kept = cosine > self.cut
        first, second = first[kept], second[kept]
        c = cosine[kept] ** self.power / (length[first] + length[second])
        n_hits = torch.bincount(batch.graph, minlength=len(batch))
        return Segments(inner, outer, batch.graph[inner], n_hits, first, second, c, self.alpha, self.beta)


def _meeting(inner: Tensor, outer: Tensor, n: int) -> tuple[Tensor, Tensor]:
    """All pairs (K,) of segments (E,) the first of which ends at the hit, of n, where the second begins."""
    order = torch.argsort(inner)
    leaving = torch.bincount(inner, minlength=n)
    start = leaving.cumsum(0) - leaving
    each = leaving[outer]  # segments after each
    total = int(each.sum())
    require(
        total * NUMBERS_A_PAIR * 8,
        f"a batch of {len(inner):,} edges, of which {total:,} pairs meet in a hit,",
        "choose fewer edges with dataset.graph.dphi_dr, or a smaller dataset.batch_size",
        inner.device,
    )
    first = torch.repeat_interleave(torch.arange(len(inner), device=inner.device), each)
    within = torch.arange(total, device=inner.device) - torch.repeat_interleave(each.cumsum(0) - each, each)
    return first, order[start[outer][first] + within]


def _entropy(V: Tensor) -> Tensor:
    """-(V ln V + (1 - V) ln(1 - V)) / 2 of each neuron."""
    return -(torch.xlogy(V, V) + torch.xlogy(1 - V, 1 - V)) / 2
