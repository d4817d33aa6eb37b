"""Squared matrix elements of 2 -> 2 processes at lowest order, in closed form.

Spins and colours are averaged over in the initial state and summed over in the final one; couplings are 1, so the
results are in units of g^4.

References
----------
R. K. Ellis, W. J. Stirling, B. R. Webber, QCD and Collider Physics, table 10.2; S. Frixione et al.,
hep-ph/9702287, section 2.
"""

from __future__ import annotations

from torch import Tensor


def quarks_to_top_pair(s: Tensor, cos: Tensor, mass: Tensor | float) -> Tensor:
    """|M|^2 of q qbar -> t tbar.

        4/9 (tau_1^2 + tau_2^2 + rho / 2),    tau_i = 2 p_i . k_1 / s,    rho = 4 m^2 / s

    Parameters
    ----------
    s : squared energy in the centre of mass, in GeV^2.
    cos : cosine of the angle between the first incoming parton and the top quark, there.
    mass : of the top quark, in GeV.

    Shapes
    ------
    Any that broadcast; all of them may need gradients.
    """
    rho, tau_1, tau_2 = _fractions(s, cos, mass)
    return 4 / 9 * (tau_1**2 + tau_2**2 + rho / 2)


def gluons_to_top_pair(s: Tensor, cos: Tensor, mass: Tensor | float) -> Tensor:
    """|M|^2 of g g -> t tbar.

        (1 / (6 tau_1 tau_2) - 3/8) (tau_1^2 + tau_2^2 + rho - rho^2 / (4 tau_1 tau_2))

    Parameters and shapes as those of `quarks_to_top_pair`.
    """
    rho, tau_1, tau_2 = _fractions(s, cos, mass)
    product = tau_1 * tau_2
    return (1 / (6 * product) - 3 / 8) * (tau_1**2 + tau_2**2 + rho - rho**2 / (4 * product))


def _fractions(s: Tensor, cos: Tensor, mass: Tensor | float) -> tuple[Tensor, Tensor, Tensor]:
    """rho, tau_1 and tau_2."""
    rho = 4 * mass**2 / s
    velocity = (1 - rho) ** 0.5
    return rho, (1 - velocity * cos) / 2, (1 + velocity * cos) / 2
