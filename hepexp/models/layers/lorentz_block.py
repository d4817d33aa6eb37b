"""The Lorentz group equivariant block (LGEB) of LorentzNet."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from hepexp.models.layers.lorentz_edges import EdgeWeights, edge_messages
from hepexp.models.layers.lorentz_edges_geometry import Invariants, clamped_push, invariants, push
from hepexp.models.layers.lorentz_edges_layout import Layout
from hepexp.models.layers.lorentz_edges_moments import pair_moments
from hepexp.models.layers.lorentz_functions import gate, message, move, update
from hepexp.models.layers.precision import full_precision, matmul_dtype


class LorentzBlock(nn.Module):
    """Messages from pairwise invariants move the coordinates x along x_i - x_j and update the scalars h.

    Parameters
    ----------
    n_hidden : width H of h and of all layers.
    n_scalars : input scalars per particle S, which phi_h sees again in every block.
    c : step of the coordinate update.
    last : whether it is the last block, which leaves x unchanged and has no phi_x.
    compat : round and clamp as the published code does, see `LorentzNet`.

    Shapes
    ------
    h (R, H), x (R, 4) GeV, scalars (R, S), metric (4, 4) in the dtype of x -> h (R, H), x (R, 4); R, see `Layout`.

    References
    ----------
    arXiv:2201.08187, section 3.2.
    """

    def __init__(self, n_hidden: int, n_scalars: int, c: float, last: bool, compat: bool):
        super().__init__()
        self.c, self.compat = c, compat
        self.phi_e = message(2 * n_hidden + 2, n_hidden)
        self.phi_h = update(2 * n_hidden + n_scalars, n_hidden, n_hidden)
        self.phi_m = gate(n_hidden)
        self.phi_x = None if last else move(n_hidden)

    def forward(self, h: Tensor, x: Tensor, scalars: Tensor, layout: Layout, metric: Tensor) -> tuple[Tensor, Tensor]:
        half = matmul_dtype(h)
        # Its precision is too low for sums over pairs and for x.
        with full_precision(h):
            seen = invariants(x, metric, h.dtype, self.compat, layout)  # psi(|x_i - x_j|^2), psi(<x_i, x_j>)
            agg, coef = self._messages(h, seen, layout, half)
            if coef is not None:
                x = x + self.c * self._push(x, coef, layout) / layout.neighbours.clamp(min=1)  # equation (3.4)
        return h + self.phi_h(torch.cat([h, agg, scalars], dim=-1), layout.weight), x

    def _messages(self, h: Tensor, seen: Invariants, layout: Layout, half: torch.dtype) -> tuple[Tensor, Tensor | None]:
        """sum_j m_ij with m_ij = phi_m phi_e(h_i, h_j, s_ij), equation (3.1), and phi_x(m_ij).

        phi_e's first layer is A h_i + B h_j + C s_ij: its matrix products cost N, not N^2, and the batch norm that
        follows is affine once its moments are known, so it scales and shifts the three terms.
        """
        a, b, c = self.phi_e[0].weight.split([h.shape[-1], h.shape[-1], 2], dim=1)
        a, b = h @ a.T, h @ b.T
        moments = pair_moments(a, b, c, seen, layout) if self.training else None
        scale, shift = (v.to(h.dtype) for v in self.phi_e[1].affine(moments))
        second, gating = self.phi_e[3], self.phi_m[0]
        weights = [second.weight, second.bias, gating.weight[0], gating.bias]
        if self.phi_x is not None:
            weights += [self.phi_x[0].weight, self.phi_x[0].bias, self.phi_x[2].weight[0]]
        weights = [w.to(half) for w in weights] + [None] * (7 - len(weights))
        shared = EdgeWeights((scale[:, None] * c).T.contiguous(), *weights)
        return edge_messages(a * scale + shift, b * scale, seen.s, shared, layout)

    def _push(self, x: Tensor, coef: Tensor, layout: Layout) -> Tensor:
        """sum_j (x_i - x_j) phi_x(m_ij)."""
        return clamped_push(x, coef, layout, 100.0) if self.compat else push(x, coef, layout)
