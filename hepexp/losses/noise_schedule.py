"""How much of an example is left at each level of a variance-preserving diffusion."""

from __future__ import annotations

import torch
from torch import Tensor

LEAST_RATIO = 1e-3  # of the squares of the signal at two successive levels


def polynomial_schedule(n_levels: int, precision: float) -> Tensor:
    """alpha_t^2 at the levels t = 0 ... T; a noised example is alpha_t x + sigma_t noise, alpha_t^2 + sigma_t^2 = 1.

        alpha_t^2 = (1 - 2 s) f(t)^2 + s,    f(t) = 1 - (t/T)^2

    where ratios f(t)^2 / f(t-1)^2 below 0.001 are clipped to it, so that no step of the sampler magnifies errors much.

    Parameters
    ----------
    n_levels : T.
    precision : s, which bounds the ratio of signal to noise: (1 - s) / s at t = 0, the inverse at t = T.

    Shapes
    ------
    -> (T + 1,) float64.

    References
    ----------
    E. Hoogeboom et al., arXiv:2203.17003, appendix B; clipping as of A. Nichol, P. Dhariwal, arXiv:2102.09672.
    """
    t = torch.linspace(0, 1, n_levels + 1, dtype=torch.float64)
    f2 = (1 - t**2) ** 2
    ratios = (f2[1:] / f2[:-1]).clamp(LEAST_RATIO, 1)
    clipped = torch.cat([f2[:1], ratios.cumprod(0)])
    return (1 - 2 * precision) * clipped + precision
