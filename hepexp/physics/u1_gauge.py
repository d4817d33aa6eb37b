"""Pure gauge theory of U(1) in two dimensions, which is solved on the torus."""

from __future__ import annotations

from math import log, pi

import numpy as np
import torch
from torch import Tensor

from hepexp.physics.lattice_action import AngleAction, ring_colours

NODES = 2000  # of the quadrature, enough for the highest charges that count


class U1Gauge(AngleAction):
    """S = -beta sum_P cos theta_P of the angles theta_P of the plaquettes of a periodic square.

    The topological charge is Q = sum_P theta_P / 2 pi with theta_P in (-pi, pi].

    Parameters
    ----------
    size : L, sites along each axis.
    beta : the inverse coupling.

    Shapes
    ------
    Configurations (B, 2, L, L): angles of the links that leave a site along the first and the second axis.

    Raises
    ------
    ConfigError : a beta that is not above 0 and at most 100.

    References
    ----------
    G. Kanwar et al., Phys. Rev. Lett. 125 (2020) 121601, arXiv:2003.06413.
    """

    field, theory = "links", "U(1) gauge theory"
    observables = (("plaquette", r"mean $\cos\theta_P$"), ("charge2", "$Q^2$"), ("charge", "$Q$"))

    def __init__(self, size: int = 8, beta: float = 2.0):
        super().__init__(size, beta)

    @property
    def shape(self) -> tuple[int, int, int]:
        return 2, self.size, self.size

    def __call__(self, theta: Tensor, beta: Tensor | None = None) -> Tensor:
        """S (B,) at this beta, or at one (B,) of each configuration."""
        return -(self.beta if beta is None else beta) * plaquettes(theta).cos().sum((-1, -2))

    def force(self, theta: Tensor) -> Tensor:
        s = -self.beta * plaquettes(theta).sin()
        return torch.stack([s - s.roll(1, -1), s.roll(1, -2) - s], dim=1)

    def pull(self, theta: Tensor) -> Tensor:
        """Of the two staples beside each link."""
        turn = torch.polar(torch.ones_like(theta[:, 0]), plaquettes(theta))
        staples = torch.stack([turn.conj() + turn.roll(1, -1), turn + turn.conj().roll(1, -2)], dim=1)
        return torch.polar(torch.ones_like(theta), theta) * staples

    def colours(self) -> Tensor:
        """Links of one direction, in every other row across it: no plaquette has two of them."""
        ring = ring_colours(self.size)
        across = torch.stack([ring.expand(self.size, -1), ring[:, None].expand(-1, self.size)])
        direction = torch.arange(2)[:, None, None]
        pairs = [(d, k) for d in range(2) for k in range(2 + self.size % 2)]
        return torch.stack([(direction == d) & (across == k) for d, k in pairs])

    def observe(self, theta: Tensor) -> Tensor:
        angle = plaquettes(theta)
        charge = (wrapped(angle).sum((-1, -2)) / (2 * pi)).round()
        return torch.stack([angle.cos().mean((-1, -2)), charge.square(), charge], dim=1)

    def exact(self) -> dict[str, float]:
        """By characters: Z = (2 pi)^(2 V) sum_n J(n)^V, J(nu) = 1/pi int_0^pi exp(beta cos t) cos(nu t) dt.

        J(n) are modified Bessel functions I_n(beta). A theta term shifts n by theta / 2 pi, so that <Q^2> follows from
        the derivatives of J.
        """
        v, beta = self.volume, self.beta
        n = np.arange(int(20 + 6 * beta**0.5 + 0.3 * beta))[:, None]
        x, w = np.polynomial.legendre.leggauss(NODES)
        t, w = pi * (x + 1) / 2, w / 2
        w = w * np.exp(beta * (np.cos(t) - 1))  # the factor exp(-beta) is put back in log Z
        j = np.cos(n * t) @ w
        slope, bend, cosine = -np.sin(n * t) @ (w * t), -np.cos(n * t) @ (w * t * t), np.cos(n * t) @ (w * np.cos(t))
        ratio = np.clip(j / j[0], 0, None)
        share = np.where(n[:, 0] == 0, 1, 2) * ratio**v  # of n and -n
        z = share.sum()
        safe = np.where(ratio > 0, j, 1)
        squared = -share @ (v * (v - 1) * (slope / safe) ** 2 + v * bend / safe) / z / (2 * pi) ** 2
        log_z = v * (2 * log(2 * pi) + beta + log(j[0])) + log(z)
        return {
            "plaquette": float(share @ (cosine / safe) / z),
            "charge2": float(squared),
            "charge": 0.0,
            "log_z": log_z,
        }


def plaquettes(theta: Tensor) -> Tensor:
    """theta_P (B, L, L), the sum around each square, of links (B, 2, L, L)."""
    first, second = theta.unbind(-3)
    return first + second.roll(-1, -2) - first.roll(-1, -1) - second


def wrapped(angle: Tensor) -> Tensor:
    """The same angle in [-pi, pi)."""
    return torch.remainder(angle + pi, 2 * pi) - pi
