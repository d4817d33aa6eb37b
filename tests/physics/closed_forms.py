"""Squared matrix elements in closed form that those of the package are compared with."""

from torch import Tensor


def gluons_to_gluons(s: Tensor, t: Tensor, u: Tensor) -> Tensor:
    """|M|^2 of g g -> g g: 9/2 (3 - t u / s^2 - s u / t^2 - s t / u^2), of invariants in any one unit.

    R. K. Ellis, W. J. Stirling, B. R. Webber, QCD and Collider Physics, table 7.1.
    """
    return 9 / 2 * (3 - t * u / s**2 - s * u / t**2 - s * t / u**2)
