"""A free field whose mass is shifted: independent Fourier modes under Polchinski's equation, in closed form."""

from __future__ import annotations

from functools import cached_property
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from hepexp.errors import ConfigError
from hepexp.physics.polchinski import MOST_STEPS, Exact, PolchinskiFlow, normal_step, of_normal

MOST_MODES = 200  # that differ in their momenta
N_NODES, REACH = 401, 10.0


class FreeModes(PolchinskiFlow):
    """Modes of a real field on a periodic lattice, C(p) = exp(-p^2 / Lambda^2) / (p^2 + mass^2) and V = r phi^2 / 2.

    The shift of the squared mass runs, r = r_0 / (1 + r_0 (C_0 - C)), and <|phi_p|^2> = C / (1 + r C). Momenta are
    those of the lattice, p^2 = 4 sum sin^2(pi n / L). Modes of equal p^2 are equal; that with p = 0 does not flow.

    Parameters
    ----------
    dims : dimensions of the lattice, 1 or 2.
    size : L, sites along each axis.
    mass : of the free theory.
    shift : r_0, added to the squared mass.
    other_shift : the same of the theory that is compared with.
    cutoff : Lambda in the beginning.
    end : Lambda at the end.
    n_steps : of equal ratio of Lambda.

    Raises
    ------
    ConfigError : values out of range, or a shift of which exp(-S) cannot be normalised.

    References
    ----------
    J. Polchinski, Nucl. Phys. B 231 (1984) 269.
    """

    scale_label = r"cutoff $\Lambda$"

    def __init__(
        self,
        dims: int = 1,
        size: int = 16,
        mass: float = 0.5,
        shift: float = 3.0,
        other_shift: float = 1.0,
        cutoff: float = 4.0,
        end: float = 0.5,
        n_steps: int = 32,
    ):
        if dims not in (1, 2):
            raise ConfigError(f"loss.theory.dims must be 1 or 2, got {dims}")
        if not 2 <= size <= 1000:
            raise ConfigError(f"loss.theory.size must be from 2 to 1,000, got {size}")
        if not 0 < mass <= 1000:
            raise ConfigError(f"loss.theory.mass must be > 0 and <= 1,000, got {mass}")
        for key, value in (("shift", shift), ("other_shift", other_shift)):
            if not -(mass**2) < value <= 1e6:
                raise ConfigError(
                    f"loss.theory.{key} must be > -mass^2 = {-(mass**2):g} and <= 1,000,000, got {value:g}: exp(-S) "
                    "could not be normalised"
                )
        if not 0.1 <= end < cutoff <= 1e6:
            raise ConfigError(
                f"loss.theory.end must be >= 0.1 and below loss.theory.cutoff, which must be <= 1,000,000, got "
                f"end={end:g} and cutoff={cutoff:g}"
            )
        if not 1 <= n_steps <= MOST_STEPS:
            raise ConfigError(f"loss.theory.n_steps must be from 1 to {MOST_STEPS}, got {n_steps}")
        lattice = 4 * np.sin(np.pi * np.arange(size) / size) ** 2
        each = [sum(some) for some in product(lattice, repeat=dims)] if size**dims <= 250_000 else []
        self.momenta2, counts = np.unique(np.round(each, 9), return_counts=True)
        self.multiplicity = counts.astype(np.float64)
        if not 1 <= len(self.momenta2) <= MOST_MODES:
            raise ConfigError(
                f"loss.theory.size={size} in {dims} dimensions has more than {MOST_MODES} different momenta; choose a "
                "smaller lattice"
            )
        self.volume = size**dims
        self.scale = np.geomspace(cutoff, end, n_steps + 1)
        self.covariances = np.exp(-self.momenta2 / self.scale[:, None] ** 2) / (self.momenta2 + mass**2)
        self.shifts = (shift, other_shift)

    def variance(self, theory: int) -> NDArray[np.float64]:
        """<z^2> (K + 1, M) = 1 / (1 + r C)."""
        r = self.shifts[theory]
        running = r / (1 + r * (self.covariances[0] - self.covariances))
        return 1 / (1 + running * self.covariances)

    def quantile(self, u: NDArray[np.float64]) -> NDArray[np.float64]:
        widths = np.sqrt([self.variance(theory)[0] for theory in (0, 1)])
        return widths[:, :, None] * ndtri(u)

    def log_density(self, step: int, theory: int, z: NDArray[np.float64]) -> NDArray[np.float64]:
        variance = self.variance(theory)[step][:, None]
        return -0.5 * (z**2 / variance + np.log(2 * np.pi * variance))

    def nodes(self) -> NDArray[np.float64]:
        widest = np.sqrt(np.maximum(self.variance(0)[0], self.variance(1)[0]))
        grid = np.linspace(-REACH, REACH, N_NODES)
        return np.broadcast_to(widest[:, None] * grid, (2, self.n_modes, N_NODES)).copy()

    @cached_property
    def exact(self) -> Exact:
        one, other = self.variance(0), self.variance(1)
        divergences = {"theories": of_normal(one, other), "free": of_normal(one, 1.0), "reference": of_normal(one, 0.5)}
        return Exact(
            (self.covariances * one) @ self.multiplicity / self.volume,
            {name: each @ self.multiplicity for name, each in divergences.items()},
        )

    def of_closed_form(self) -> NDArray[np.float64]:
        widths = [np.sqrt(self.variance(0)[0])]
        for tau in self.tau:
            widths.append(normal_step(widths[-1], tau))
        return np.square(widths)
