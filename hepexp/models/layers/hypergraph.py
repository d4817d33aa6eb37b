"""Particles as hyperedges over the tracks and towers of an event, and the incidence matrix between them."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from hepexp.models.layers.attention import without_padding
from hepexp.models.layers.dense import dense
from hepexp.models.layers.flow_elements import feature
from hepexp.models.layers.knn_graph import canonical_order
from hepexp.models.layers.particle_pairs import Piece
from hepexp.models.transformer import EncoderBlock
from hepexp.module_list import ModuleList

CELL = 0.1  # unit of distances in eta and azimuth, about the width of a cell of the HCAL
N_PAIR = 5  # features of an element and a hyperedge


class Candidates(NamedTuple):
    """The hyperedges of which an element can have energy.

    Shapes
    ------
    place (B, N, k) int64, of the element from which a hyperedge starts, first the element itself; allowed (B, N, k)
    bool; pair (B, N, k, 5): eta and azimuth of this place from the element, in units of 0.1, its energy over that of
    both, whether it is the element itself, and whether it is a track.
    """

    place: Tensor
    allowed: Tensor
    pair: Tensor

    def of(self, x: Tensor) -> Tensor:
        """The rows of x (B, N, ...) of the hyperedges of each element, (B, N, k, ...)."""
        return rows_at(x, self.place)

    def sum_over_elements(self, x: Tensor) -> Tensor:
        """Sums (B, N, K) over all elements of what they have of each hyperedge, x (B, N, k, K)."""
        place = self.place.flatten(1)[..., None].expand(-1, -1, x.shape[-1])
        return x.new_zeros(*x.shape[:2], x.shape[-1]).scatter_add(1, place, x.flatten(1, 2))


def rows_at(x: Tensor, place: Tensor) -> Tensor:
    """Rows (B, ..., K) of x (B, N, K) at these places (B, ...) of the same event; x (B, N) likewise."""
    event = torch.arange(len(x), device=x.device).view(-1, *[1] * (place.ndim - 1))
    return x[event, place]


def candidates(scalars: Tensor, mask: Tensor, k: int) -> Candidates:
    """The hyperedges that start from a tower and its k - 1 nearest elements; of a track its own alone.

    Tracks are where they leave the tracker. Of elements that are equally far, as many are on a grid of cells, the most
    energetic one is taken, wherever it stands in the event.

    Parameters
    ----------
    scalars : (B, N, 13), see FEATURES; mask : (B, N).
    """
    is_tower, is_track, eta, sine, cosine, energy = feature(
        scalars, "is_tower", "is_track", "eta", "sin_phi", "cos_phi", "energy"
    )
    track = is_track > 0
    eta_out, sine_out, cosine_out = feature(scalars, "eta_out", "sin_phi_out", "cos_phi_out")
    eta = torch.where(track, eta_out, eta)
    phi = torch.where(track, torch.atan2(sine_out, cosine_out), torch.atan2(sine, cosine))
    with torch.no_grad():
        deta, dphi = (x[:, None] - x[:, :, None] for x in (eta, phi))
        itself = torch.eye(mask.shape[1], dtype=torch.bool, device=mask.device)
        distance = deta.square() + _wrapped(dphi).square()
        distance = distance.masked_fill(~mask[:, None], torch.inf).masked_fill(itself, -1)
        order = canonical_order(torch.stack([energy, eta, sine, cosine], -1), mask)[:, None].expand_as(distance)
        nearest = distance.gather(2, order).sort(dim=2, stable=True).indices[..., :k]
        place = order.gather(2, nearest)  # (B, N, k), from the nearest on
    own = (torch.arange(place.shape[-1], device=mask.device) == 0).expand_as(place)
    allowed = own | (((is_tower > 0) & mask)[..., None] & rows_at(mask, place))
    other = rows_at(energy, place)
    pair = [
        (rows_at(eta, place) - eta[..., None]) / CELL,
        _wrapped(rows_at(phi, place) - phi[..., None]) / CELL,
        other / (other + energy[..., None]).clamp(min=torch.finfo(energy.dtype).tiny),
        own.to(energy.dtype),
        rows_at(is_track, place),
    ]
    return Candidates(place, allowed, torch.stack(pair, -1))


def _wrapped(angle: Tensor) -> Tensor:
    return torch.remainder(angle + torch.pi, 2 * torch.pi) - torch.pi


class Encoder(nn.Module):
    """Transformer blocks over the elements, or hyperedges, of padded events.

    Shapes
    ------
    x (B, N, n); mask (B, N) -> (B, N, n).
    """

    def __init__(self, n: int, n_layers: int, n_heads: int, dropout: float):
        super().__init__()
        self.blocks = ModuleList(EncoderBlock(n, n_heads, dropout) for _ in range(n_layers))

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        (n_events, width), rows = mask.shape, x.flatten(0, 1)
        whole = Piece(n_events, width, slice(0, n_events * width), slice(0, n_events * width**2))
        bias = without_padding(mask, x.dtype)
        for block in self.blocks:
            rows = block(rows, [whole], [bias])
        return rows.view_as(x)


class Refinement(nn.Module):
    """One step: the incidence by elements and hyperedges as they are, then both by what they get through it.

    ln I_ij = log-softmax over j of MLP(W n_i, W' e_j, I_ij, pair_ij); e_j <- block(e_j + W'' (e_j, sum_i I_ij n_i))
    with a transformer block over the hyperedges of an event; n_i <- n_i + MLP(n_i, sum_j I_ij e_j, mean of all n), a
    Deep Set.

    Parameters
    ----------
    n : width of an element and of a hyperedge.
    """

    def __init__(self, n: int, n_heads: int, dropout: float):
        super().__init__()
        self.of_element, self.of_edge = nn.Linear(n, n), nn.Linear(n, n, bias=False)
        self.of_pair, self.score = nn.Linear(N_PAIR + 1, n, bias=False), nn.Linear(n, 1)
        self.gather = nn.Linear(2 * n, n)
        self.block = Encoder(n, 1, n_heads, dropout)
        self.deep_set = dense(3 * n, [n], n, nn.GELU)

    def forward(
        self, nodes: Tensor, edges: Tensor, log_incidence: Tensor, near: Candidates, mask: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Elements (B, N, n), hyperedges (B, N, n) and ln I (B, N, k) after the step."""
        before = torch.cat([near.pair.to(nodes.dtype), log_incidence.exp()[..., None]], -1)
        hidden = self.of_element(nodes)[:, :, None] + near.of(self.of_edge(edges)) + self.of_pair(before)
        log_incidence = log_shares(self.score(nn.functional.gelu(hidden)).squeeze(-1), near)
        incidence = log_incidence.exp()[..., None]
        got = near.sum_over_elements(incidence * nodes[:, :, None])
        edges = self.block(edges + self.gather(torch.cat([edges, got], -1)), mask)
        real = mask[..., None].to(nodes.dtype)
        mean = (nodes * real).sum(1, keepdim=True) / real.sum(1, keepdim=True).clamp(min=1)
        received = (incidence * near.of(edges)).sum(2)
        nodes = nodes + self.deep_set(torch.cat([nodes, received, mean.expand_as(nodes)], -1))
        return nodes, edges, log_incidence


def log_shares(logits: Tensor, near: Candidates) -> Tensor:
    """ln I (B, N, k), a softmax over the candidates of each element that are allowed; very negative elsewhere."""
    return logits.masked_fill(~near.allowed, torch.finfo(logits.dtype).min / 2).log_softmax(-1)
