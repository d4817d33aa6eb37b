"""The Lorentz group equivariant block, evaluated without tensors of all messages."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from hepexp.models.layers.lorentz_block import CLAMP, LorentzBlock
from hepexp.models.layers.lorentz_kernel.geometry import Invariants, clamped_push, invariants, push
from hepexp.models.layers.lorentz_kernel.messages import EdgeWeights, edge_messages
from hepexp.models.layers.lorentz_kernel.moments import pair_moments
from hepexp.models.layers.particle_pairs import ParticlePairs
from hepexp.precision import full_precision, matmul_dtype


class FusedLorentzBlock(LorentzBlock):
    """`LorentzBlock` with networks of one width, M = H, and the same parameters; matrix products follow autocast."""

    phi_e: Any  # as its plain form makes it; what kinds of layers it has, nn.Sequential does not say
    phi_m: Any
    phi_x: Any

    def forward(
        self, h: Tensor, x: Tensor, scalars: Tensor, pairs: ParticlePairs, metric: Tensor
    ) -> tuple[Tensor, Tensor]:
        half = matmul_dtype(h)
        # Its precision is too low for sums over pairs and for x.
        with full_precision(h):
            seen = invariants(x, metric, h.dtype, self.published, pairs)
            agg, coef = self._messages(h, seen, pairs, half)
            if coef is not None:
                x = x + self.c * self._push(x, coef, pairs) / pairs.neighbours.clamp(min=1)
        return h + self.phi_h(torch.cat([h, agg, scalars], dim=-1), pairs.weight), x

    def _messages(
        self, h: Tensor, seen: Invariants, pairs: ParticlePairs, half: torch.dtype
    ) -> tuple[Tensor, Tensor | None]:
        """sum_j m_ij (R, H), and phi_x(m_ij) (E,).

        phi_e's first layer is A h_i + B h_j + C s_ij: its matrix products cost N, not N^2, and the batch norm that
        follows is affine once its moments are known, so it scales and shifts the three terms.
        """
        a, b, c = self.phi_e[0].weight.split([h.shape[-1], h.shape[-1], len(seen.s)], dim=1)
        a, b = h @ a.T, h @ b.T
        moments = pair_moments(a, b, c, seen, pairs) if self.phi_e[1].training else None
        scale, shift = (v.to(h.dtype) for v in self.phi_e[1].affine(moments))
        second, gating = self.phi_e[3], self.phi_m[0]
        weights: list[Any] = [second.weight, second.bias, gating.weight[0], gating.bias]
        if self.phi_x is not None:
            weights += [self.phi_x[0].weight, self.phi_x[0].bias, self.phi_x[2].weight[0]]
        weights = [w.to(half) for w in weights] + [None] * (7 - len(weights))
        shared = EdgeWeights((scale[:, None] * c).T.contiguous(), *weights)
        return edge_messages(a * scale + shift, b * scale, seen.s, shared, pairs)

    def _push(self, x: Tensor, coef: Tensor, pairs: ParticlePairs) -> Tensor:
        """sum_j (x_i - x_j) phi_x(m_ij)."""
        return clamped_push(x, coef, pairs, CLAMP) if self.published else push(x, coef, pairs)
