"""Polchinski's equation for independent variables, as a flow of probability densities."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_banded

MOST_STEPS = 200


@dataclass(frozen=True)
class Exact:
    """What is known along the flow, each (K + 1,).

    Parameters
    ----------
    phi2 : mean square of the field.
    divergences : of Kullback and Leibler from the other theory (`theories`), the free one (`free`) and exp(-2 S_0)
        (`reference`).
    """

    phi2: NDArray[np.float64]
    divergences: Mapping[str, NDArray[np.float64]]


class PolchinskiFlow(ABC):
    """Two theories under one flow, each of M independent modes phi with P ~ exp(-phi^2 / 2 C - V(phi)).

    As the cutoff falls, the covariance C of the free theory does, and the rest of it moves into the potential:

        exp(-V_C) = N(0, C_0 - C) * exp(-V_0),    dP = -dC/2 d/dphi (dP/dphi + 2 (phi / C) P)

    In units of the free theory, z = phi / C^(1/2), this is diffusion in a fixed well, along l = ln(C_0 / C) / 2:

        dp/dl = d/dz (dp/dz + z p),    p = N(0, 1) being the free theory

    Attributes
    ----------
    covariances : C (K + 1, M) in the beginning and after each step.
    multiplicity : (M,), how many modes of the field are like this one.
    volume : number of sites.
    variable : what z is, on an axis.
    scale : (K + 1,) the coordinate of the flow in figures, and `scale_label` its name.

    References
    ----------
    J. Polchinski, Nucl. Phys. B 231 (1984) 269; J. Cotler, S. Rezchikov, arXiv:2202.11737.
    """

    covariances: NDArray[np.float64]
    multiplicity: NDArray[np.float64]
    volume: int
    variable = r"$\varphi / \sqrt{C}$"
    scale: NDArray[np.float64]
    scale_label: str

    @property
    def n_steps(self) -> int:
        return len(self.covariances) - 1

    @property
    def n_modes(self) -> int:
        return self.covariances.shape[1]

    @property
    def tau(self) -> NDArray[np.float64]:
        """Length (K, M) of each step, 1 - (C_k+1 / C_k)^(1/2), which is dl to first order."""
        return 1 - np.sqrt(self.covariances[1:] / self.covariances[:-1])

    @abstractmethod
    def quantile(self, u: NDArray[np.float64]) -> NDArray[np.float64]:
        """z (2, M, B) of both theories in the beginning, at values u of their cumulative distributions."""

    @abstractmethod
    def log_density(self, step: int, theory: int, z: NDArray[np.float64]) -> NDArray[np.float64]:
        """ln p (M, B) of z (M, B), of the first theory (0) or the other (1), after so many steps."""

    @abstractmethod
    def nodes(self) -> NDArray[np.float64]:
        """z (2, M, G) in ascending order, over all of both densities in the beginning."""

    @property
    @abstractmethod
    def exact(self) -> Exact: ...

    def of_closed_form(self) -> NDArray[np.float64] | None:
        """Variances (K + 1, M) of the first theory after exact minimising steps, where these are known."""
        return None

    def pde_distance(self) -> float | None:
        """Largest L1 distance of a numerical solution of the equation from the convolution, where it is solved."""
        return None


def of_normal(variance: NDArray, reference: NDArray | float) -> NDArray[np.float64]:
    """Kullback-Leibler divergence of N(0, variance) from N(0, reference)."""
    ratio = np.asarray(variance / reference, np.float64)
    return 0.5 * (ratio - 1 - np.log(ratio))


def normal_step(width: NDArray, tau: NDArray) -> NDArray[np.float64]:
    """Standard deviation after a minimising step of length tau that begins with a normal density of this one.

    The minimum of (s' - s)^2 / 2 + tau (s'^2 / 2 - ln s').
    """
    return (width + np.sqrt(width**2 + 4 * tau * (1 + tau))) / (2 * (1 + tau))


def diffuse(density: NDArray, z: NDArray, length: float, n: int) -> NDArray[np.float64]:
    """Solve dp/dl = d/dz (dp/dz + z p) over a length by n steps of Crank and Nicolson, without flow through the ends.

    Parameters
    ----------
    density : p (G,) at the centres z (G,) of cells of equal size.
    """
    h, dl = z[1] - z[0], length / n
    between = (z[1:] + z[:-1]) / 2
    up, down = 1 / h - between / 2, 1 / h + between / 2  # the flow upwards is up p_i - down p_i+1
    main = np.zeros_like(z)
    main[:-1] -= up
    main[1:] -= down
    main, above, below = main / h, down / h, up / h
    bands = np.zeros((3, len(z)))
    bands[0, 1:], bands[1], bands[2, :-1] = -dl / 2 * above, 1 - dl / 2 * main, -dl / 2 * below
    p = np.array(density, np.float64)
    for _ in range(n):
        change = main * p
        change[:-1] += above * p[1:]
        change[1:] += below * p[:-1]
        p = solve_banded((1, 1), bands, p + dl / 2 * change)
    return p
