"""e+ e- -> q qbar g by a photon, at lowest order and without masses.

References
----------
R. K. Ellis, D. A. Ross, A. E. Terrano, Nucl. Phys. B 178 (1981) 421; the rate above a cut in all invariant masses:
G. Kramer and B. Lampe, Z. Phys. C 34 (1987) 497.
"""

from __future__ import annotations

from math import log, pi

from scipy.special import spence
from torch import Tensor

from hepexp.physics.vectors import dot

C_F, N = 4 / 3, 3


def three_jets_squared(beams: Tensor, p: Tensor) -> Tensor:
    """|M|^2 (B,), averaged over the spins of the electrons and summed over all others, in units of e^4 Q^2 g^2 / GeV^2.

        2 N C_F ((p1.a)^2 + (p1.b)^2 + (p2.a)^2 + (p2.b)^2) / (a.b p1.k p2.k)

    Parameters
    ----------
    beams : momenta (2, 4) a and b of the electrons.
    p : momenta (B, 3, 4) of quark p1, antiquark p2 and gluon k.
    """
    a, b = beams
    p1, p2, k = p.unbind(1)
    squares = dot(p1, a) ** 2 + dot(p1, b) ** 2 + dot(p2, a) ** 2 + dot(p2, b) ** 2
    return 2 * N * C_F * squares / (dot(a, b) * dot(p1, k) * dot(p2, k))


def three_jet_rate(y: float) -> float:
    """The integral of (x_1^2 + x_2^2) / ((1 - x_1) (1 - x_2)) over x_i = 2 E_i / sqrt(s), where all s_ij > y s.

    Parameters
    ----------
    y : above 0 and below 1/3, where nothing is left.
    """
    z = y / (1 - y)
    dilogarithm = float(spence(1 - z))
    logarithms = 2 * log(z) ** 2 + (3 - 6 * y) * log(y / (1 - 2 * y))
    return logarithms + 5 / 2 - 6 * y - 9 / 2 * y**2 + 4 * dilogarithm - pi**2 / 3
