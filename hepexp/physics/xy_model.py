"""The XY model in two dimensions: spins in a plane."""

from __future__ import annotations

import torch
from torch import Tensor

from hepexp.physics.lattice_action import AngleAction, neighbours, site_colours


class XYModel(AngleAction):
    """S = -beta sum cos(theta_x - theta_y) over neighbours x and y on a periodic square.

    Spin waves alone are left above beta = 1.12, where vortices are bound in pairs (Kosterlitz-Thouless transition).

    Parameters
    ----------
    size : L, sites along each axis.
    beta : the inverse temperature.

    Shapes
    ------
    Configurations (B, L, L): angles of the spins.

    Raises
    ------
    ConfigError : a beta that is not above 0 and at most 100.

    References
    ----------
    J. M. Kosterlitz, D. J. Thouless, J. Phys. C 6 (1973) 1181; beta of the transition and helicity modulus:
    M. Hasenbusch, J. Phys. A 38 (2005) 5869, cond-mat/0502556.
    """

    field, theory = "angles", "XY model"
    observables = (
        ("cosine", r"mean $\cos(\theta_x - \theta_y)$"),
        ("chi", r"susceptibility $V\,|\bar s|^2$"),
        ("helicity", "helicity modulus"),
    )

    def __init__(self, size: int = 8, beta: float = 1.0):
        super().__init__(size, beta)

    @property
    def shape(self) -> tuple[int, int]:
        return self.size, self.size

    def __call__(self, theta: Tensor) -> Tensor:
        return -self.beta * _bonds(theta).cos().sum((-1, -2, -3))

    def force(self, theta: Tensor) -> Tensor:
        s = self.beta * _bonds(theta).sin()
        return (s - torch.stack([s[:, 0].roll(1, -2), s[:, 1].roll(1, -1)], dim=1)).sum(1)

    def pull(self, theta: Tensor) -> Tensor:
        return neighbours(torch.polar(torch.ones_like(theta), theta))

    def colours(self) -> Tensor:
        return site_colours(self.size)

    def observe(self, theta: Tensor) -> Tensor:
        """Mean cosine, V |mean spin|^2, and <cos> - beta V <sin>^2 of the bonds of a direction.

        The last one's mean over configurations is the second derivative of the free energy by a twist of the boundary.
        """
        bonds = _bonds(theta)
        cosine, sine = bonds.cos().mean((-1, -2)), bonds.sin().mean((-1, -2))  # (B, 2)
        spin = torch.polar(torch.ones_like(theta), theta).mean((-1, -2))
        helicity = (cosine - self.beta * self.volume * sine.square()).mean(1)
        return torch.stack([cosine.mean(1), self.volume * spin.abs().square(), helicity], dim=1)


def _bonds(theta: Tensor) -> Tensor:
    """Differences (B, 2, L, L) to the next site along the first and the second axis."""
    return torch.stack([theta.roll(-1, -2) - theta, theta.roll(-1, -1) - theta], dim=1)
