"""A field at a single point with any potential, under Polchinski's equation."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from hepexp.data.expressions.parse import parse
from hepexp.data.values import Values
from hepexp.errors import ConfigError
from hepexp.physics.polchinski import MOST_STEPS, Exact, PolchinskiFlow, diffuse

N_GRID = 2001
DEEP = 60.0  # S above its minimum where exp(-S) counts no more
FREE = 9.0  # widths of the free theory that the grid contains
FARTHEST = 1e6


class ZeroDimensional(PolchinskiFlow):
    """One variable phi with P ~ exp(-phi^2 / 2 C - V(phi)), and another potential to compare with.

    Densities along the flow are convolutions, p_C(z) = integral of N(z; r z_0, 1 - r^2) p_0(z_0) with r^2 = C / C_0.

    Parameters
    ----------
    potential : V at the initial cutoff, an expression of phi.
    other : the same of the theory that is compared with.
    covariance : C of the free theory in the beginning.
    end : C at the end, as a fraction of that.
    n_steps : the first ones the shortest, ln C ~ step^1.5, as what is sharp is gone first.

    Raises
    ------
    ConfigError : values out of range, not an expression of phi, or a potential of which exp(-S) cannot be normalised or
        varies too fast for the grid.

    References
    ----------
    J. Cotler, S. Rezchikov, arXiv:2202.11737, section 2.
    """

    scale_label = r"$C / C_0$"

    def __init__(
        self,
        potential: str = "4*phi**4 - 4.5*phi**2",
        other: str = "4*phi**4 - 4.5*phi**2 + 0.5*phi",
        covariance: float = 1.0,
        end: float = 0.1,
        n_steps: int = 40,
    ):
        if not 1e-6 <= covariance <= 1e6:
            raise ConfigError(f"loss.theory.covariance must be from 0.000001 to 1,000,000, got {covariance:g}")
        if not 0.001 <= end <= 0.9:
            raise ConfigError(f"loss.theory.end must be from 0.001 to 0.9, got {end:g}")
        if not 1 <= n_steps <= MOST_STEPS:
            raise ConfigError(f"loss.theory.n_steps must be from 1 to {MOST_STEPS}, got {n_steps}")
        self.scale = end ** ((np.arange(n_steps + 1) / n_steps) ** 1.5)
        self.covariances = covariance * self.scale[:, None]
        self.multiplicity, self.volume = np.ones(1), 1
        actions = [_Action(text, key, covariance) for key, text in (("potential", potential), ("other", other))]
        windows = [action.window() for action in actions]
        low, high = min(w[0] for w in windows), max(w[1] for w in windows)
        self.grid = np.linspace(min(low, -FREE), max(high, FREE), N_GRID)
        self._begin = np.array([action.log_density(self.grid) for action in actions])
        if self._h > np.sqrt(1 - self.scale[1]):
            raise ConfigError(
                f"loss.theory.potential and other extend over {np.ptp(self.grid):g} widths of the free theory, too "
                f"far for steps as small as {1 - self.scale[1]:.2g} of C; lower "
                "loss.theory.n_steps or loss.theory.covariance"
            )

    @property
    def _h(self) -> float:
        return float(self.grid[1] - self.grid[0])

    def quantile(self, u: NDArray[np.float64]) -> NDArray[np.float64]:
        z, cumulative = self._cumulative
        return np.stack([np.interp(some, cumulative[k], z) for k, some in enumerate(u)])

    def log_density(self, step: int, theory: int, z: NDArray[np.float64]) -> NDArray[np.float64]:
        return self._splines[step][theory](np.clip(z, self.grid[0], self.grid[-1]))

    def nodes(self) -> NDArray[np.float64]:
        return np.broadcast_to(self.grid, (2, 1, N_GRID)).copy()

    @cached_property
    def exact(self) -> Exact:
        logs = np.array([[spline(self.grid) for spline in pair] for pair in self._splines])  # (K + 1, 2, G)
        p, z2 = np.exp(logs[:, 0]), self.grid**2
        mean = lambda values: self._h * (p * values).sum(1)  # noqa: E731
        return Exact(
            self.covariances[:, 0] * mean(z2),
            {
                "theories": mean(logs[:, 0] - logs[:, 1]),
                "free": mean(logs[:, 0] + (z2 + np.log(2 * np.pi)) / 2),
                "reference": mean(logs[:, 0] + z2 + np.log(np.pi) / 2),
            },
        )

    def pde_distance(self) -> float:
        worst, lengths = 0.0, -0.5 * np.diff(np.log(self.scale))
        z = np.linspace(self.grid[0], self.grid[-1], 2 * N_GRID - 1)
        for theory in (0, 1):
            p = np.exp(self._splines[0][theory](z))
            for step, length in enumerate(lengths, 1):
                p = diffuse(p, z, length, max(20, round(800 * length)))
                convolved = np.exp(self._splines[step][theory](z))
                worst = max(worst, float(self._h / 2 * np.abs(p - convolved).sum()))
        return worst

    @cached_property
    def _cumulative(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Points (G,), between which it is linear to 1e-6, and the cumulative distribution of both theories (2, G)."""
        z = np.linspace(self.grid[0], self.grid[-1], 8 * N_GRID - 7)
        p = np.exp([spline(z) for spline in self._splines[0]])
        cumulative = np.concatenate([np.zeros((2, 1)), np.cumsum((p[:, 1:] + p[:, :-1]) / 2, axis=1)], axis=1)
        return z, cumulative / cumulative[:, -1:]

    @cached_property
    def _splines(self) -> list[tuple[CubicSpline, CubicSpline]]:
        return [(self._spline(k, 0), self._spline(k, 1)) for k in range(self.n_steps + 1)]

    def _spline(self, step: int, theory: int) -> CubicSpline:
        """ln p after so many steps, by the convolution."""
        if step == 0:
            return CubicSpline(self.grid, np.maximum(self._begin[theory], -1e6))
        r2, z = self.scale[step], self.grid[::2]
        exponent = self._begin[theory] - (z[:, None] - np.sqrt(r2) * self.grid) ** 2 / (2 * (1 - r2))
        highest = exponent.max(1)
        total = np.exp(exponent - highest[:, None]).sum(1) * self._h
        return CubicSpline(z, highest + np.log(total) - np.log(2 * np.pi * (1 - r2)) / 2)


class _Action:
    """S(z) = z^2 / 2 + V(C^(1/2) z)."""

    def __init__(self, text: str, key: str, covariance: float):
        self.key, self.text, self.root = f"loss.theory.{key}", text, np.sqrt(covariance)
        self.expression = parse(text, self.key)
        if unknown := [name for name in self.expression.names if name != "phi"]:
            raise ConfigError(
                f"{self.key} must be an expression of phi, such as phi**4 - phi**2, got {unknown[0]!r} in it"
            )
        self.expression.check({"phi": False})

    def __call__(self, z: NDArray[np.float64]) -> NDArray[np.float64]:
        return z**2 / 2 + self.expression.evaluate({"phi": Values(self.root * z)}, len(z)).values

    def window(self) -> tuple[float, float]:
        """Where exp(-S) counts."""
        z = np.sinh(np.linspace(-1, 1, 200_001) * np.arcsinh(FARTHEST))
        s = self(z)
        if np.isnan(s).any():
            raise ConfigError(
                f"{self.key} must be a number for every phi, got none at {self._at(z, np.isnan(s))}: {self.text}"
            )
        if s.min() == -np.inf or (s[[0, -1]] - s.min() < DEEP).any():
            lowest = self._at(z, s == s.min())
            raise ConfigError(
                f"{self.key} must keep exp(-S) normalisable, got {self.text}: S = phi^2 / 2 C + V does not rise at "
                f"large phi, its lowest value is at phi = {lowest}"
            )
        inside = np.flatnonzero(s - s.min() < DEEP)
        return float(z[inside[0] - 1]), float(z[inside[-1] + 1])

    def log_density(self, grid: NDArray[np.float64]) -> NDArray[np.float64]:
        """ln p on the grid."""
        s = self(grid)
        p, h = np.exp(s.min() - s), grid[1] - grid[0]
        total = h * p.sum()
        if not abs(2 * h * p[::2].sum() / total - 1) < 1e-4:  # a kink costs 1e-5
            raise ConfigError(
                f"{self.key} varies too fast for {N_GRID:,} points over phi = {self.root * grid[0]:.3g} to "
                f"{self.root * grid[-1]:.3g}: {self.text}"
            )
        return s.min() - s - np.log(total)

    def _at(self, z: NDArray, where: NDArray) -> str:
        return f"{self.root * z[where][0]:.3g}"
