"""Phase space of n particles from 3n - 4 uniform numbers: RAMBO on diet, with its Jacobian.

References
----------
S. Plaetzer, arXiv:1308.2922; R. Kleiss, W. J. Stirling, S. D. Ellis, Comput. Phys. Commun. 40 (1986) 359.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, lgamma, log, pi

import torch
from torch import Tensor

from hepexp.errors import ConfigError
from hepexp.physics.vectors import boosted

HALVINGS = 60  # of the interval of a root, down to the rounding error of float64


class PhaseSpace:
    """Momenta of n particles in their centre of mass, as a smooth function of points of the unit cube.

    Without masses the density is constant there. With masses the invariant masses M_i of the particles i ... n are
    shifted by the masses that are still to come, and the weight is the ratio of the two-body phase spaces.

    Parameters
    ----------
    energy : in the centre of mass, in GeV.
    masses : of the particles, in GeV, two or more; zero or above.

    Raises
    ------
    ConfigError : fewer than two particles, a negative mass, or an energy below the sum of the masses.
    """

    def __init__(self, energy: float, masses: Sequence[float]):
        if len(masses) < 2:
            raise ConfigError(f"a phase space needs two or more particles, got {len(masses)}")
        if not all(0 <= mass < float("inf") for mass in masses):
            raise ConfigError(f"masses must be >= 0 and finite, got {list(masses)}")
        if not sum(masses) < energy < float("inf"):
            raise ConfigError(
                f"an energy of {energy:g} GeV is not above the threshold, the sum of the masses, {sum(masses):g} GeV: "
                "raise the energy or lower the masses"
            )
        self.energy, self.masses, self.n = energy, tuple(masses), len(masses)

    @property
    def n_dims(self) -> int:
        """3n - 4 numbers fix a point."""
        return 3 * self.n - 4

    def __call__(self, r: Tensor) -> tuple[Tensor, Tensor]:
        """Momenta and the density of phase space at points of the unit cube.

        Parameters
        ----------
        r : (B, 3n - 4), in (0, 1): n - 2 for the invariant masses, then a cosine and an azimuth for each decay.

        Returns
        -------
        p : (B, n, 4) in GeV.
        weight : (B,), d Phi_n / d r in GeV^(2n-4), with (2 pi)^(4-3n) and all delta functions; its mean over uniform r
            is the volume.
        """
        n, total = self.n, sum(self.masses)
        fractions = [_fraction(r[:, i], n - 2 - i) for i in range(n - 2)]
        K = [r.new_full((len(r),), self.energy - total)]  # what is left above the masses of the particles to come
        for u in fractions:
            K.append(K[-1] * u)
        rest = [sum(self.masses[i:]) for i in range(n)]
        M = [k + m for k, m in zip(K, rest, strict=False)]  # of the particles i ... n
        M.append(torch.full_like(M[0], self.masses[-1]))
        K.append(torch.zeros_like(K[0]))
        frame = torch.cat([M[0][:, None], r.new_zeros(len(r), 3)], dim=1)
        weight, momenta = torch.full_like(M[0], volume(n, self.energy - total)), []
        for i in range(n - 1):
            cos, phi = 2 * r[:, n - 2 + 2 * i] - 1, 2 * pi * r[:, n - 1 + 2 * i]
            size = _momentum(M[i], M[i + 1], self.masses[i])
            weight = weight * (size / M[i]) / (_momentum(K[i], K[i + 1], 0.0) / K[i])
            if i < n - 2:
                weight = weight * M[i + 1] / K[i + 1]
            sin = ((1 - cos) * (1 + cos)).clamp_min(0).sqrt()
            vector = size[:, None] * torch.stack([sin * phi.cos(), sin * phi.sin(), cos], dim=1)
            one = torch.cat([(size**2 + self.masses[i] ** 2).sqrt()[:, None], vector], dim=1)
            others = torch.cat([(size**2 + M[i + 1] ** 2).sqrt()[:, None], -vector], dim=1)
            momenta.append(boosted(one, frame))
            frame = boosted(others, frame)
        return torch.stack([*momenta, frame], dim=1), weight


def volume(n: int, energy: float) -> float:
    """The integral of d Phi_n of massless particles, in GeV^(2n-4).

    (pi / 2)^(n-1) E^(2n-4) / (Gamma(n) Gamma(n-1)) (2 pi)^(4-3n)
    """
    logarithm = (
        (n - 1) * log(pi / 2) + (2 * n - 4) * log(energy) - lgamma(n) - lgamma(n - 1) - (3 * n - 4) * log(2 * pi)
    )
    return exp(logarithm)


def _momentum(mass: Tensor, first: Tensor, second: Tensor | float) -> Tensor:
    """Momentum of two particles in the rest frame of what decays into them."""
    product = (mass - first - second) * (mass + first + second) * (mass - first + second) * (mass + first - second)
    return product.clamp_min(0).sqrt() / (2 * mass)


def _fraction(v: Tensor, k: int) -> Tensor:
    """u in (0, 1) with v = (k + 1) u^(2k) - k u^(2k+2); its derivatives are those of the root.

    The density of u^2 is that of a ratio of two invariant masses squared, Beta(k, 2).
    """
    with torch.no_grad():
        low, high = torch.zeros_like(v), torch.ones_like(v)
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            above = _cumulative(middle, k) > v
            low, high = torch.where(above, low, middle), torch.where(above, middle, high)
        x = ((low + high) / 2).clamp(torch.finfo(v.dtype).tiny ** 0.25, 1 - torch.finfo(v.dtype).eps / 2)
        slope = (k * (k + 1) * x ** (k - 1) * (1 - x)).clamp_min(torch.finfo(v.dtype).tiny)
    if not v.requires_grad:
        return x.sqrt()
    for _ in range(2):  # each step of Newton's method gives one more derivative
        x = x - (_cumulative(x, k) - v) / slope
    return x.sqrt()


def _cumulative(x: Tensor, k: int) -> Tensor:
    return (k + 1) * x**k - k * x ** (k + 1)
