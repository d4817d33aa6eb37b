"""What a model reads of each particle: a four-momentum, and scalars that no Lorentz transformation changes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hepexp.data import species
from hepexp.data.kinematics import four_momenta
from hepexp.data.ragged import Ragged
from hepexp.errors import ConfigError

SCALARS = ("pid", "mass_charge")


def with_particles(jets: Ragged, p4: NDArray[np.float64], scalars: NDArray[np.floating]) -> Ragged:
    """The jets with columns p4 (m, 4), (E, px, py, pz) in GeV, and scalars (m, S) in place of their own."""
    return Ragged(jets.label, jets.offsets, {"p4": p4, "scalars": scalars.astype(np.float32)}, jets.extras)


def hardest(jets: Ragged, n: int | None) -> Ragged:
    """At most n particles of each jet, those with the largest pT, in the order they had; all where n is None."""
    return jets.largest(n, np.hypot(jets["p4"][:, 1], jets["p4"][:, 2]))


def psi(z: NDArray[np.floating]) -> NDArray[np.floating]:
    """sgn(z) ln(1 + |z|), arXiv:2201.08187, section 3.2: compresses masses and invariants."""
    return np.sign(z) * np.log1p(np.abs(z))


class TypedParticles:
    """Four-momenta and scalars of particles given as (pt, y, phi, pdgid).

    Parameters
    ----------
    pid : use the particle type. Without it every particle is massless and its only scalar is the constant 1, so that
        nothing of the type leaks through the mass.
    scalars : with `pid`, either `pid`: one-hot over |pdgid| in (11, 13, 22, 130, 211, 321, 2112, 2212), or
        `mass_charge`: psi(mass in GeV) and charge.

    Raises
    ------
    ConfigError : `scalars` is neither.
    """

    def __init__(self, pid: bool, scalars: str) -> None:
        if scalars not in SCALARS:
            raise ConfigError(f"dataset.scalars must be one of {', '.join(SCALARS)}, got {scalars!r}")
        self.pid = pid
        self.scalars = scalars

    def __call__(self, jets: Ragged) -> Ragged:
        return with_particles(jets, self.momenta(jets), self.features(jets["pdgid"]))

    def momenta(self, jets: Ragged) -> NDArray[np.float64]:
        """Four-momenta (m, 4) in GeV of all particles, computed in float64."""
        mass = species.mass(jets["pdgid"]) if self.pid else 0.0
        return four_momenta(jets["pt"], jets["y"], jets["phi"], mass)

    def features(self, pdgid: NDArray[np.int32]) -> NDArray[np.float32]:
        """Scalars (m, S) of particles of these types (m,)."""
        if not self.pid:
            return np.ones((len(pdgid), 1), np.float32)
        if self.scalars == "pid":
            return species.one_hot(pdgid)
        return np.stack([psi(species.mass(pdgid)), species.charge(pdgid)], axis=1).astype(np.float32)
