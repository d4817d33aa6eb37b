"""Monotone splines of rational quadratic functions, from the unit interval onto itself.

References
----------
C. Durkan et al., arXiv:1906.04032, section 3 and appendix A.1; J. A. Gregory, R. Delbourgo, IMA J. Numer. Anal. 2
(1982) 123.
"""

from __future__ import annotations

from math import exp, log

import torch
from torch import Tensor
from torch.nn.functional import pad, softmax, softplus

MIN_SLOPE = 1e-3
_UNIT_SLOPE = log(exp(1 - MIN_SLOPE) - 1)  # for which softplus gives a slope of 1, so that zeros are the identity


def n_parameters(n_bins: int) -> int:
    """Widths and heights of the bins, and a slope at each of their ends."""
    return 3 * n_bins + 1


def spline(x: Tensor, parameters: Tensor, min_bin: float = 1e-3, inverse: bool = False) -> tuple[Tensor, Tensor]:
    """The function, or its inverse, and the logarithm of its derivative.

        y = y_k + h (s xi^2 + d_k xi (1 - xi)) / (s + (d_k+1 + d_k - 2 s) xi (1 - xi)),    s = h / w

    with xi = (x - x_k) / w in a bin of width w and height h, and slopes d_k and d_k+1 at its ends.

    Parameters
    ----------
    x : (...), in [0, 1].
    parameters : (..., 3 n_bins + 1), any numbers; zeros are the identity.
    min_bin : smallest width and height of a bin.

    Returns
    -------
    y, log |dy / dx| : (...).
    """
    return through_knots(x, *knots(parameters, min_bin), inverse)


def knots(parameters: Tensor, min_bin: float = 1e-3) -> tuple[Tensor, Tensor]:
    """Sizes and slopes, as of `through_knots`, of the parameters of a spline (..., 3 n_bins + 1)."""
    n_bins = (parameters.shape[-1] - 1) // 3
    sizes = softmax(parameters[..., : 2 * n_bins].unflatten(-1, (2, n_bins)), dim=-1)
    sizes = min_bin + (1 - min_bin * n_bins) * sizes  # widths and heights
    return sizes, MIN_SLOPE + softplus(parameters[..., 2 * n_bins :] + _UNIT_SLOPE)


def through_knots(x: Tensor, sizes: Tensor, slopes: Tensor, inverse: bool = False) -> tuple[Tensor, Tensor]:
    """As `spline`, of given bins.

    Parameters
    ----------
    x : (...), in [0, 1].
    sizes : widths and heights of the bins (..., 2, n_bins), or fewer that are the same along an axis; each sum to 1.
    slopes : at their ends (..., n_bins + 1), positive.
    """
    starts = pad(sizes.cumsum(-1)[..., :-1], (1, 0))
    of_bins = torch.cat([starts, sizes, slopes[..., None, :-1], slopes[..., None, 1:]], dim=-2)  # (..., 6, n_bins)
    k = (starts[..., int(inverse), :] <= x[..., None]).sum(-1).sub(1).clamp_min(0)
    chosen = of_bins.expand(*k.shape, *of_bins.shape[-2:]).gather(-1, k[..., None, None].expand(*k.shape, 6, 1))[..., 0]
    x_k, y_k, w, h, d, e = chosen.unbind(-1)
    s = h / w
    bend = d + e - 2 * s
    if inverse:
        height = (x - y_k) / h
        a, b, c = s - d + height * bend, d - height * bend, -s * height
        root = (b * b - 4 * a * c).clamp_min(0).sqrt()
        xi = 2 * c / (-b - root)
        value = x_k + w * xi
    else:
        xi = (x - x_k) / w
        value = y_k + h * (s * xi**2 + d * xi * (1 - xi)) / (s + bend * xi * (1 - xi))
    divisor = s + bend * xi * (1 - xi)
    slope = s**2 * (e * xi**2 + 2 * s * xi * (1 - xi) + d * (1 - xi) ** 2) / divisor**2
    return value.clamp(0, 1), -slope.log() if inverse else slope.log()
