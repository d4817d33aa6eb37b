"""The map of uniform angles to angles of a von Mises distribution, p(x) = exp(beta cos x) / (2 pi I_0(beta))."""

from __future__ import annotations

from math import pi

import numpy as np
import torch
from torch import Tensor

from hepexp.models.layers.rational_quadratic import through_knots

N_BINS = 48
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(8)  # of the quadrature in a bin


class VonMisesMap:
    """A spline through quantiles at each concentration: odd, increasing, from [-pi, pi] onto itself.

    Its knots are equally spaced in sinh(log(1 + beta) x / pi), so that they are where the density is.

    Parameters
    ----------
    beta : concentrations (B,), one of each example, or one of all (1,), >= 0; 0 is the identity.
    """

    def __init__(self, beta: Tensor):
        beta = beta.double()[:, None]
        growth = torch.log1p(beta) + 1e-6
        t = torch.linspace(-1, 1, N_BINS + 1, dtype=torch.float64, device=beta.device)
        ends = pi * torch.sinh(growth * t) / torch.sinh(growth)  # (B, N_BINS + 1)
        half, middle = ends.diff() / 2, (ends[:, 1:] + ends[:, :-1]) / 2
        nodes, weights = (torch.as_tensor(values, device=beta.device) for values in (_NODES, _WEIGHTS))
        inside = torch.exp(beta[..., None] * (torch.cos(middle[..., None] + half[..., None] * nodes) - 1))
        mass = (inside * weights).sum(-1) * half
        total = mass.sum(-1, keepdim=True)
        self.sizes = torch.stack([mass / total, ends.diff() / (2 * pi)], dim=1)  # (B, 2, N_BINS)
        self.slopes = total / (2 * pi * torch.exp(beta * (torch.cos(ends) - 1)))

    def __call__(self, angle: Tensor, inverse: bool = False) -> tuple[Tensor, Tensor]:
        """Angles, of the distribution or with `inverse` uniform again, and the logarithm of the slope.

        Parameters
        ----------
        angle : (B, ...), in [-pi, pi].
        """
        beside = (-1, *[1] * (angle.dim() - 1))
        sizes, slopes = (knots.to(angle).reshape(*beside, *knots.shape[1:]) for knots in (self.sizes, self.slopes))
        value, log_slope = through_knots((angle + pi) / (2 * pi), sizes, slopes, inverse)
        return 2 * pi * value - pi, log_slope
