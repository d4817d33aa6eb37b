"""Features of pairs of particles, computed once for each unordered pair."""

from __future__ import annotations

import math
from functools import cache

import torch
from torch import Tensor

from hepexp.models.layers.jet_coordinates import rapidity

TINY = 1e-8  # GeV^2, GeV or none: below it, logarithms are those of it, as in the authors' code


@cache
def triangle(n: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Rows i >= j and columns j of the pairs of n particles, each particle with itself included: n (n + 1) / 2."""
    i, j = torch.tril_indices(n, n, device=device)
    return i, j


def log_pair_features(p4: Tensor) -> Tensor:
    """(ln kT, ln z, ln Delta, ln m^2) of the pairs of `triangle`.

    With Delta^2 = (y_i - y_j)^2 + (phi_i - phi_j)^2, kT = min(pT_i, pT_j) Delta, z = min(pT_i, pT_j) / (pT_i + pT_j)
    and m^2 = (p_i + p_j)^2. Computed in float64, as m^2 of two nearly collinear particles is a small difference.

    Parameters
    ----------
    p4 : (B, n, 4) four-momenta (E, px, py, pz), GeV, none of them zero.

    Returns
    -------
    Tensor, shape (B, n (n + 1) / 2, 4).

    References
    ----------
    arXiv:2202.03772, equation 3.
    """
    i, j = triangle(p4.shape[1], p4.device)
    e, px, py, pz = p4.unbind(-1)
    pt, y, phi = torch.hypot(px, py), rapidity(p4), torch.atan2(py, px)
    pt_i, pt_j = pt[:, i], pt[:, j]
    dphi = torch.remainder(phi[:, i] - phi[:, j] + math.pi, 2 * math.pi) - math.pi
    delta2 = (y[:, i] - y[:, j]).square() + dphi.square()
    softer = torch.minimum(pt_i, pt_j)
    e, px, py, pz = (x[:, i] + x[:, j] for x in (e, px, py, pz))
    m2 = (e - pz) * (e + pz) - px.square() - py.square()
    # Half the logarithm of a square: the root has no derivative at zero, where a particle meets itself.
    ln_kt = 0.5 * (softer.square() * delta2).clamp(min=TINY**2).log()
    ln_delta = 0.5 * delta2.clamp(min=TINY**2).log()
    ln_z = (softer / (pt_i + pt_j).clamp(min=TINY)).clamp(min=TINY).log()
    return torch.stack([ln_kt, ln_z, ln_delta, m2.clamp(min=TINY).log()], dim=-1)


class Symmetric(torch.autograd.Function):
    """Matrices (..., n, n) from their lower triangles (..., n (n + 1) / 2), in the order of `triangle`."""

    @staticmethod
    def forward(ctx, lower: Tensor, n: int) -> Tensor:
        i, j = triangle(n, lower.device)
        ctx.n = n
        place = lower.new_empty(n, n, dtype=torch.long)
        number = torch.arange(len(i), device=lower.device)
        place[i, j], place[j, i] = number, number
        return lower.index_select(-1, place.flatten()).unflatten(-1, (n, n))

    @staticmethod
    def backward(ctx, grad: Tensor):
        i, j = triangle(ctx.n, grad.device)
        grad = (grad + grad.mT).flatten(-2)
        return grad.index_select(-1, i * ctx.n + j) * torch.where(i == j, 0.5, 1.0).to(grad.dtype), None
