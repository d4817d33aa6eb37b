"""The Lorentz group equivariant block (LGEB) of LorentzNet."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from hepexp.models.layers import chunks
from hepexp.models.layers.lorentz_edges import EdgeWeights, edge_messages
from hepexp.models.layers.lorentz_edges_moments import pair_moments
from hepexp.models.layers.masked_batch_norm import MaskedBatchNorm
from hepexp.models.layers.minkowski import invariants, invariants_of_differences


@dataclass(frozen=True)
class Pairs:
    """Which particles of a batch of jets see each other; real particles come first.

    mask (B, N) bool; pair (B, N, N), 1 for two different real particles; neighbours (B, N, 1) counts them, at least 1.
    """

    mask: Tensor
    pair: Tensor
    neighbours: Tensor
    chunks: list[chunks.Chunk]

    @classmethod
    def of(cls, mask: Tensor, dtype: torch.dtype, lengths: list[int] | None) -> Pairs:
        """lengths of the jets in descending order; None works the batch in one piece and reads nothing back."""
        size, n = mask.shape
        different = ~torch.eye(n, dtype=torch.bool, device=mask.device)
        pair = (mask[:, :, None] & mask[:, None, :] & different).to(dtype)
        neighbours = pair.sum(-1, keepdim=True).clamp(min=1)
        return cls(mask, pair, neighbours, [chunks.Chunk(0, size, n)] if lengths is None else chunks.split(lengths))


class LorentzBlock(nn.Module):
    """Messages from pairwise invariants move the coordinates x along x_i - x_j and update the scalars h.

    Parameters
    ----------
    n_hidden : width H of h and of all layers.
    n_scalars : input scalars per particle S, which phi_h sees again in every block.
    c : step of the coordinate update.
    last : the last block leaves x alone and has no phi_x.
    compat : round, clamp and normalise as the published code does, see `LorentzNet`.

    Shapes
    ------
    h (B, N, H), x (B, N, 4) GeV, scalars (B, N, S), pairs, metric (4, 4) in the dtype of x -> h (B, N, H), x (B, N, 4).

    References
    ----------
    arXiv:2201.08187, section 3.2.
    """

    def __init__(self, n_hidden: int, n_scalars: int, c: float, last: bool, compat: bool):
        super().__init__()
        self.c, self.compat = c, compat
        self.phi_e = nn.Sequential(
            nn.Linear(2 * n_hidden + 2, n_hidden, bias=False),
            MaskedBatchNorm(n_hidden),
            nn.ReLU(),
            nn.Linear(n_hidden, n_hidden),
            nn.ReLU(),
        )
        self.phi_h = nn.Sequential(
            nn.Linear(2 * n_hidden + n_scalars, n_hidden),
            MaskedBatchNorm(n_hidden),
            nn.ReLU(),
            nn.Linear(n_hidden, n_hidden),
        )
        self.phi_m = nn.Sequential(nn.Linear(n_hidden, 1), nn.Sigmoid())
        self.phi_x = None
        if not last:
            step = nn.Linear(n_hidden, 1, bias=False)
            nn.init.xavier_uniform_(step.weight, gain=0.001)
            self.phi_x = nn.Sequential(nn.Linear(n_hidden, n_hidden), nn.ReLU(), step)

    def forward(self, h: Tensor, x: Tensor, scalars: Tensor, pairs: Pairs, metric: Tensor) -> tuple[Tensor, Tensor]:
        # The scale of h as it is stored: half precision has too few digits for sums over pairs and for x.
        with torch.autocast(h.device.type, enabled=False):
            between = invariants_of_differences if self.compat else invariants
            s = between(x, metric, h.dtype)  # psi(|x_i - x_j|^2), psi(<x_i, x_j>)
        agg, coef = self._messages(h, s, pairs)
        if coef is not None:
            x = self._move(x, coef.to(x.dtype), pairs)
        return h + self._phi_h(torch.cat([h, agg, scalars], dim=-1), pairs.mask), x

    def _messages(self, h: Tensor, s: Tensor, pairs: Pairs) -> tuple[Tensor, Tensor | None]:
        """sum_j m_ij with m_ij = phi_m phi_e(h_i, h_j, s_ij), equation (3.1), and phi_x(m_ij).

        phi_e's first layer is A h_i + B h_j + C s_ij: its matrix products cost N, not N^2, and the batch norm that
        follows is affine once its moments are known, so it scales and shifts the three terms.
        """
        half = torch.get_autocast_dtype(h.device.type) if torch.is_autocast_enabled(h.device.type) else h.dtype
        with torch.autocast(h.device.type, enabled=False):
            a, b, c = self.phi_e[0].weight.split([h.shape[-1], h.shape[-1], 2], dim=1)
            a, b = h @ a.T, h @ b.T
            moments = pair_moments(a, b, c, s, pairs.pair) if self.training else None
            scale, shift = (v.to(h.dtype) for v in self.phi_e[1].affine(moments))
            second, gate = self.phi_e[3], self.phi_m[0]
            weights = [second.weight, second.bias, gate.weight[0], gate.bias]
            if self.phi_x is not None:
                weights += [self.phi_x[0].weight, self.phi_x[0].bias, self.phi_x[2].weight[0]]
            weights = [w.to(half) for w in weights] + [None] * (7 - len(weights))
            shared = EdgeWeights((scale[:, None] * c).T.contiguous(), *weights)
            return edge_messages(a * scale + shift, b * scale, s, pairs.pair, shared, pairs.chunks)

    def _move(self, x: Tensor, coef: Tensor, pairs: Pairs) -> Tensor:
        """x_i + c mean_j (x_i - x_j) phi_x(m_ij), equation (3.4)."""
        if self.compat:
            push = ((x[:, :, None] - x[:, None, :]) * coef[..., None]).clamp(-100, 100).sum(2)
        else:
            push = x * coef.sum(-1, keepdim=True) - coef @ x
        return x + self.c * push / pairs.neighbours

    def _phi_h(self, z: Tensor, mask: Tensor) -> Tensor:
        first, norm, relu, last = self.phi_h
        return last(relu(norm(first(z), None if self.compat else mask)))
