"""phi^4 theory in two dimensions."""

from __future__ import annotations

from math import inf, log, pi

import numpy as np
import torch
from torch import Tensor

from hepexp.errors import ConfigError
from hepexp.physics.lattice_action import LatticeAction, neighbours, site_colours


class ScalarField(LatticeAction):
    """S = sum_x m2 phi^2 + lam phi^4 + phi (-Laplace phi), without a factor 1/2, of a real field on a periodic square.

    With lam = 0 the modes are independent, of variance 1 / (2 (m2 + p^2)) with the momenta p^2 of the lattice, so that
    everything is known.

    Parameters
    ----------
    size : L, sites along each axis.
    m2 : the squared mass, which may be negative if lam > 0.
    lam : the coupling, lambda.

    Shapes
    ------
    Configurations (B, L, L).

    Raises
    ------
    ConfigError : a density that cannot be normalised, or numbers that are not finite.

    References
    ----------
    M. S. Albergo et al., arXiv:1904.12072 and arXiv:2101.08176, whose parameters are the defaults.
    """

    field, theory = "scalars", "φ⁴ theory"
    observables = (
        ("chi", r"susceptibility $V\,\bar\phi^2$"),
        ("phi2", r"$\overline{\phi^2}$"),
        ("action", r"$S / V$"),
    )

    def __init__(self, size: int = 8, m2: float = -4.0, lam: float = 8.0):
        super().__init__(size)
        if not 0 <= lam < inf:
            raise ConfigError(f"loss.action.lam must be >= 0 and finite, got {lam}: exp(-S) could not be normalised")
        if not -inf < m2 < inf or (lam == 0 and m2 <= 0):
            raise ConfigError(
                f"loss.action.m2 must be finite, and > 0 for a free field (lam = 0), got {m2}: exp(-S) could not be "
                "normalised"
            )
        self.m2, self.lam = m2, lam

    @property
    def shape(self) -> tuple[int, int]:
        return self.size, self.size

    def __call__(self, phi: Tensor) -> Tensor:
        squared = phi.square()
        hops = phi * (phi.roll(1, -1) + phi.roll(1, -2))
        return ((self.m2 + 4) * squared + self.lam * squared.square() - 2 * hops).sum((-1, -2))

    def force(self, phi: Tensor) -> Tensor:
        return 2 * neighbours(phi) - 2 * (self.m2 + 4) * phi - 4 * self.lam * phi**3

    def pull(self, phi: Tensor) -> Tensor:
        return neighbours(phi)

    def local(self, phi: Tensor, pull: Tensor) -> Tensor:
        return (self.m2 + 4) * phi.square() + self.lam * phi**4 - 2 * pull * phi

    def colours(self) -> Tensor:
        return site_colours(self.size)

    def observe(self, phi: Tensor) -> Tensor:
        chi = self.volume * phi.mean((-1, -2)).square()
        return torch.stack([chi, phi.square().mean((-1, -2)), self(phi) / self.volume], dim=1)

    def hot(self, n: int, random: torch.Generator) -> Tensor:
        width = (2 * (4 + abs(self.m2)) + (12 * self.lam) ** 0.5) ** -0.5  # where the force is moderate
        return width * torch.randn(n, *self.shape, generator=random, dtype=torch.float64)

    def exact(self) -> dict[str, float]:
        """Of a free field: each mode is normal, with half a unit of action."""
        if self.lam:
            return {}
        p2 = 4 * np.sin(np.pi * np.arange(self.size) / self.size) ** 2
        stiffness = self.m2 + p2[:, None] + p2
        log_z = 0.5 * self.volume * log(pi) - 0.5 * np.log(stiffness).sum()
        phi2 = np.mean(0.5 / stiffness)
        return {"chi": 0.5 / self.m2, "phi2": float(phi2), "action": 0.5, "log_z": float(log_z)}
