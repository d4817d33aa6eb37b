"""The particles of a batch of jets and their pairs, in memory with hardly any padding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from hepexp.exporting import in_pieces
from hepexp.models.layers.cache_blocking import PAIRS, Chunk, split


class Piece(NamedTuple):
    """A few jets with n entries each: their rows in the tensors over particles and over pairs."""

    jets: int
    n: int
    rows: slice
    pairs: slice

    def nodes(self, x: Tensor) -> Tensor:
        """The piece of x (R, ...), as (jets, n, ...)."""
        return x[self.rows].view(self.jets, self.n, *x.shape[1:])

    def square(self, x: Tensor) -> Tensor:
        """The piece of x (..., E), as (..., jets, n, n)."""
        return x[..., self.pairs].view(*x.shape[:-1], self.jets, self.n, self.n)


@dataclass(frozen=True)
class ParticlePairs:
    """Particles of all pieces one after another, R rows, and their pairs, E = sum of jets n^2.

    On a CPU, jets of similar length share a piece. Elsewhere, and in an exported network, the whole batch is one piece,
    and nothing is read back.

    Parameters
    ----------
    pieces : in descending order of n.
    n_jets, width : jets B in the batch and places N of each.
    place, jet : (R,), the row of (B N, ...) and the jet that each particle comes from; None for all in order.
    mask : (R,) bool, the real particles.
    weight : (R,) of each row in the statistics of a batch norm over particles: 1 for real ones, 0 for padding that is
        not counted.
    neighbours : (R, 1), the number of other real particles in the jet of a real particle, otherwise 0.
    pair_mask : (E,), 1 for two different real particles of a jet, otherwise 0.
    """

    pieces: list[Piece]
    n_jets: int
    width: int
    place: Tensor | None
    jet: Tensor | None
    mask: Tensor
    weight: Tensor
    neighbours: Tensor
    pair_mask: Tensor

    @classmethod
    def of(
        cls, mask: Tensor, dtype: torch.dtype, padded_to: int | None = None, at_a_time: int = PAIRS
    ) -> ParticlePairs:
        """For a batch with mask (B, N), real particles first.

        Parameters
        ----------
        padded_to : number of entries of each jet that a batch norm over particles counts. Empty entries are all alike,
            so those of a jet need only one row, and the last of the N entries must be empty. None counts real
            particles.
        at_a_time : the most pairs in a piece of several jets, on a CPU.
        """
        (n_jets, width), place, jet = mask.shape, None, None
        chunks = [Chunk(0, n_jets, width)]
        if in_pieces(mask):
            lengths = (mask * torch.arange(1, width + 1)).amax(1) + (padded_to is not None)
            lengths, order = lengths.sort(descending=True, stable=True)
            chunks = split(lengths.tolist(), at_a_time)
            starts = order * width
            place = torch.cat([(starts[a:b, None] + torch.arange(n)).view(-1) for a, b, n in chunks])
            jet = place // width
        pieces, row, pair = [], 0, 0
        for start, stop, n in chunks:
            rows, pairs = (stop - start) * n, (stop - start) * n * n
            pieces.append(Piece(stop - start, n, slice(row, row + rows), slice(pair, pair + pairs)))
            row, pair = row + rows, pair + pairs
        real = mask.reshape(-1) if place is None else mask.reshape(-1)[place]
        weight = real.to(dtype)
        if padded_to is not None:
            empty = (padded_to - mask.sum(1)).clamp(min=0).sum().to(dtype)
            weight = torch.where(real, weight, empty / (~real).sum())
        others = (mask.sum(1, keepdim=True) - 1).expand_as(mask).reshape(-1)
        others = (others if place is None else others[place]) * real
        different = ~torch.eye(width, dtype=torch.bool, device=mask.device)
        nodes = [(piece.nodes(real), different[: piece.n, : piece.n]) for piece in pieces]
        is_pair = torch.cat([(m[:, :, None] & m[:, None] & off).view(-1) for m, off in nodes])
        return cls(pieces, n_jets, width, place, jet, real, weight, others[:, None].to(dtype), is_pair.to(dtype))

    def gather(self, x: Tensor) -> Tensor:
        """x (B, N, ...) of a batch as (R, ...)."""
        x = x.flatten(0, 1)
        return x if self.place is None else x[self.place]

    def scatter(self, x: Tensor) -> Tensor:
        """x (R, K) in the places of the batch, (B, N, K); zero in those that have no row."""
        if self.place is None:
            return x.view(self.n_jets, -1, x.shape[-1])
        return (
            x.new_zeros(self.n_jets * self.width, x.shape[-1])
            .index_copy(0, self.place, x)
            .unflatten(0, (-1, self.width))
        )

    def sum_over_particles(self, x: Tensor) -> Tensor:
        """The sum of x (R, K) over the particles of each jet of the batch, (B, K)."""
        if self.jet is None:
            return x.view(self.n_jets, -1, x.shape[-1]).sum(1)
        return x.new_zeros(self.n_jets, x.shape[-1]).index_add(0, self.jet, x)

    def of_jet(self, x: Tensor) -> Tensor:
        """x (B, K) of each jet for each of its particles, (R, K)."""
        if self.jet is None:
            return x[:, None].expand(-1, self.mask.shape[0] // self.n_jets, -1).flatten(0, 1)
        return x[self.jet]

    def real_pairs(self) -> Tensor:
        """(E,), 1 for two real particles of a jet, also a particle with itself; otherwise 0."""
        nodes = [piece.nodes(self.mask) for piece in self.pieces]
        return torch.cat([(m[:, :, None] & m[:, None]).view(-1) for m in nodes]).to(self.pair_mask.dtype)

    def inner_products(self, p4: Tensor) -> Tensor:
        """<p_i, p_j> of every pair of four-momenta (R, 4), metric (+,-,-,-), in their precision; (E,)."""
        lowered = torch.cat([p4[:, :1], -p4[:, 1:]], dim=1)
        return torch.cat([(piece.nodes(p4) @ piece.nodes(lowered).mT).view(-1) for piece in self.pieces])

    def both(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """x_i and x_j of every pair: of its receiver and of its sender; x (R, K) -> (E, K) each."""
        squares = [(piece.nodes(x), (piece.jets, piece.n, piece.n, x.shape[-1])) for piece in self.pieces]
        receivers = [at[:, :, None].expand(shape).flatten(0, 2) for at, shape in squares]
        senders = [at[:, None].expand(shape).flatten(0, 2) for at, shape in squares]
        return torch.cat(receivers), torch.cat(senders)

    def sum_over_senders(self, m: Tensor) -> Tensor:
        """sum_j m_ij; m (E, K) -> (R, K)."""
        squares = [m[piece.pairs].view(piece.jets * piece.n, piece.n, m.shape[-1]) for piece in self.pieces]
        return torch.cat([square.sum(1) for square in squares])
