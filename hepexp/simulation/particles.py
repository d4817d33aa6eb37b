"""Particles of a batch of simulated events as flat columns, both at generator level and as seen by a detector."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Self

import numpy as np
from numpy.typing import NDArray

CHARGED_HADRON, NEUTRAL_HADRON, PHOTON, ELECTRON, MUON = range(5)  # the column `kind`


@dataclass(frozen=True)
class FlatColumns:
    """Base class of data classes whose fields are columns (m,), with one entry per particle."""

    def __getitem__(self, chosen: NDArray) -> Self:
        """The particles at these positions, or where the mask is True."""
        return type(self)(*(getattr(self, field.name)[chosen] for field in fields(self)))

    @classmethod
    def concatenate(cls, parts: Iterable[Self]) -> Self:
        """The particles of all parts, one part after another."""
        parts = list(parts)
        return cls(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(cls)))


@dataclass(frozen=True)
class Particles(FlatColumns):
    """Particles, ordered by event.

    Shapes
    ------
    All (m,): `event`, the index of the event, ascending; `pt` and `mass` in GeV; `eta`; `phi` in radians; `kind`, one
    of the constants of this module; `charge` in units of the positron's; the impact parameters `d0` and `dz`, signed,
    in mm; `production_radius`, the distance from the beam axis at which a particle was produced, in mm.
    """

    event: NDArray[np.int64]
    pt: NDArray[np.float64]
    eta: NDArray[np.float64]
    phi: NDArray[np.float64]
    mass: NDArray[np.float64]
    kind: NDArray[np.int64]
    charge: NDArray[np.float64]
    d0: NDArray[np.float64]
    dz: NDArray[np.float64]
    production_radius: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.event)

    @property
    def momentum(self) -> NDArray[np.float64]:
        """Four-momenta (m, 4) as (E, px, py, pz) in GeV."""
        p = np.stack([self.pt * np.cos(self.phi), self.pt * np.sin(self.phi), self.pt * np.sinh(self.eta)], 1)
        return np.concatenate([self.energy[:, None], p], 1)

    @property
    def energy(self) -> NDArray[np.float64]:
        """Energies (m,) in GeV."""
        return np.hypot(self.pt * np.cosh(self.eta), self.mass)

    @classmethod
    def by_event(cls, parts: list[Particles]) -> Particles:
        """All particles of several parts, sorted by event."""
        particles = cls.concatenate(parts)
        return particles[np.argsort(particles.event, kind="stable")]


def impact_parameters(
    vertex: NDArray[np.float64], momentum: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Impact parameters of straight lines: how close they pass to the collision at the origin.

    The point of closest approach to the beam axis, in the transverse plane, is vertex - (vertex_T . n) momentum / pT
    with n the transverse direction of flight; d0 is its signed distance from the axis and dz its z.

    Parameters
    ----------
    vertex : (m, 3) any point of each line, mm.
    momentum : (m, 3) GeV; only its direction matters.

    Returns
    -------
    d0, dz : (m,) mm; d0 = (x py - y px) / pT.
    """
    (x, y, z), (px, py, pz) = vertex.T, momentum.T
    pt = np.hypot(px, py)
    return (x * py - y * px) / pt, z - (x * px + y * py) * pz / pt**2
