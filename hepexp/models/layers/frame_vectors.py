"""Vectors from which a local frame of each particle is built, equivariantly and for padded jets."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hepexp.models.layers.lorentz_block import psi

TINY = 1e-12  # GeV^2
SOFT = 1e-4  # of the squared mass of the jet


class FrameVectors(nn.Module):
    """v_ik = sum_j w_ijk (p_i + p_j) / m_ij, with w_ijk a softmax over j of a network of invariants.

    m_ij^2 = |p_i + p_j|^2 + 1e-4 |p_jet|^2: two particles of equal direction, whose sum has hardly any mass, would
    otherwise have frames with Lorentz factors of millions. In place of 2 p_i, which for a particle of small mass would
    be a large Lorentz factor, the sum has the momentum of the jet. So v_ik is timelike and points to the future. Fewer
    than three momenta span no frame: the sum then has p_i, and what is missing is filled in by fixed vectors, the
    choice of which does not matter, as nothing in such a jet depends on it.

    Parameters
    ----------
    n_vectors : vectors of each particle.
    n_scalars : scalars of each particle that the network sees.
    n_hidden : width of its two hidden layers.

    Shapes
    ------
    p4 (B, N, 4) float64, zero for padding; scalars (B, N, n_scalars); mask (B, N) -> (B, N, n_vectors, 4) float64.

    References
    ----------
    Spinner et al., arXiv:2505.20280, section 3 (equations for the frames of a particle).
    """

    def __init__(self, n_vectors: int, n_scalars: int, n_hidden: int):
        super().__init__()
        self.n_vectors, self.n_hidden = n_vectors, n_hidden
        self.network = nn.Sequential(
            nn.Linear(2 * n_scalars + 1, n_hidden),
            nn.GELU(),
            nn.Linear(n_hidden, n_hidden),
            nn.GELU(),
            nn.Linear(n_hidden, n_vectors, bias=False),
        )
        # vectors alike would be nearly collinear
        nn.init.normal_(self.network[-1].get_parameter("weight"), std=4 / n_hidden**0.5)

    def forward(self, p4: Tensor, scalars: Tensor, mask: Tensor, **others: object) -> Tensor:
        count, jet = mask.sum(1)[:, None, None], p4.sum(1, keepdim=True)
        p4 = torch.where(mask[..., None], p4, jet)  # frames of padding are not used, but must not be extreme
        itself = torch.where(count > 2, jet, p4)
        is_self = torch.eye(mask.shape[1], dtype=torch.bool, device=mask.device)[..., None]
        pairs = torch.where(is_self, itself[:, :, None], p4[:, :, None] + p4[:, None])  # (B, N, N, 4)
        square = pairs[..., 0].square() - pairs[..., 1:].square().sum(-1)
        layers: list[Any] = list(self.network)
        first, *later = layers
        own, other, invariant = first.weight.split([scalars.shape[-1], scalars.shape[-1], 1], dim=1)
        h = F.linear(scalars, own, first.bias)[:, :, None] + F.linear(scalars, other)[:, None]
        h = h + psi(square.to(scalars.dtype))[..., None] * invariant[:, 0]
        for layer in later:
            h = layer(h)
        w = h.to(p4.dtype).masked_fill(~mask[:, None, :, None], -1e30).softmax(2)
        jet_square = (jet[..., 0].square() - jet[..., 1:].square().sum(-1)).clamp(min=0)[..., None]  # (B, 1, 1)
        units = pairs / (square.clamp(min=TINY) + SOFT * jet_square).sqrt()[..., None]
        vectors = (w[..., None] * units[:, :, :, None]).sum(2)  # (B, N, n_vectors, 4)
        norm = vectors[..., 0].square() - vectors[..., 1:].square().sum(-1)
        vectors = vectors / norm.sum(-1).abs().clamp(min=TINY).sqrt()[..., None, None]
        missing = torch.arange(self.n_vectors, device=mask.device) >= count[..., 0]  # (B, n_vectors)
        fixed = torch.eye(4, dtype=p4.dtype, device=p4.device)[: self.n_vectors]
        return vectors + torch.where(missing[..., None], fixed, 0)[:, None]
