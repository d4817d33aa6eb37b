"""Features of pairs of particles, computed once for each unordered pair."""

from __future__ import annotations

import math
from functools import cache

import torch
from torch import Tensor
from torch.autograd import Function

from hepexp.exporting import is_exported
from hepexp.models.layers.jet_coordinates import rapidity

TINY = 1e-8  # GeV^2, GeV or none: below it, logarithms are those of it, as in the authors' code


def triangle(n: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Rows i >= j and columns j of the pairs of n particles, each particle with itself included: n (n + 1) / 2.

    In an exported network, for any n, they are all n^2 pairs, ordered by rows.
    """
    if is_exported():
        one = torch.arange(n, device=device)
        return one[:, None].expand(n, n).flatten(), one.expand(n, n).flatten()
    return _triangle(n, device)


@cache
def _triangle(n: int, device: torch.device) -> tuple[Tensor, Tensor]:
    i, j = torch.tril_indices(n, n, device=device)
    return i, j


def log_pair_features(p4: Tensor, dtype: torch.dtype = torch.float64) -> Tensor:
    """(ln kT, ln z, ln Delta, ln m^2) of the pairs of `triangle`.

    With Delta^2 = (y_i - y_j)^2 + (phi_i - phi_j)^2, kT = min(pT_i, pT_j) Delta, z = min(pT_i, pT_j) / (pT_i + pT_j)
    and m^2 = (p_i + p_j)^2. Before the logarithm they are float64, as m^2 of two nearly collinear particles is a small
    difference.

    Parameters
    ----------
    p4 : (B, n, 4) four-momenta (E, px, py, pz), GeV, none of them zero.
    dtype : of the result.

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
    squares = torch.stack([softer.square() * delta2, delta2], dim=-1).clamp(min=TINY**2).to(dtype)
    ratios = torch.stack([softer / (pt_i + pt_j).clamp(min=TINY), m2], dim=-1).clamp(min=TINY).to(dtype)
    (ln_kt, ln_delta), (ln_z, ln_m2) = (0.5 * squares.log()).unbind(-1), ratios.log().unbind(-1)
    return torch.stack([ln_kt, ln_z, ln_delta, ln_m2], dim=-1)


class Symmetric(Function):
    """Symmetric matrices (B, C, n, n) from rows (B, n (n + 1) / 2, C) of their lower triangles, as in `triangle`."""

    @staticmethod
    def forward(ctx, lower: Tensor, n: int) -> Tensor:
        if is_exported():
            return lower.transpose(1, 2).unflatten(-1, (n, n))
        i, j = triangle(n, lower.device)
        ctx.n = n
        place = torch.empty(n, n, dtype=torch.long, device=lower.device)
        number = torch.arange(len(i), device=lower.device)
        place[i, j], place[j, i] = number, number
        # whole rows are copied, and then transposed: to pick numbers one by one takes ten times as long
        return lower.index_select(1, place.flatten()).transpose(1, 2).contiguous().unflatten(-1, (n, n))

    @staticmethod
    def backward(ctx, grad: Tensor):
        i, j = triangle(ctx.n, grad.device)
        both = (grad + grad.mT).flatten(-2).transpose(1, 2).contiguous().index_select(1, i * ctx.n + j)
        return both * torch.where(i == j, 0.5, 1.0).to(grad.dtype)[:, None], None
