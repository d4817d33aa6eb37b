"""What a model reads of each particle: a four-momentum, and scalars that no Lorentz transformation changes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hepexp.data import species
from hepexp.data.jets import Jets
from hepexp.data.kinematics import four_momenta
from hepexp.errors import ConfigError

SCALARS = ("pid", "mass_charge")


class ParticleReader:
    """Turns the columns of jets into four-momenta and scalars.

    Parameters
    ----------
    pid : use the particle type. Without it every particle is massless and its only scalar is the constant 1, so that
        nothing of the type leaks through the mass.
    scalars : with `pid`, either `pid`: one-hot over |pdgid| in (11, 13, 22, 130, 211, 321, 2112, 2212), or
        `mass_charge`: psi(mass in GeV) and charge, with psi(z) = sgn(z) ln(1 + |z|) as in arXiv:2201.08187.

    Raises
    ------
    ConfigError : `scalars` is neither.
    """

    def __init__(self, pid: bool, scalars: str) -> None:
        if scalars not in SCALARS:
            raise ConfigError(f"dataset.scalars must be one of {', '.join(SCALARS)}, got {scalars!r}")
        self.pid = pid
        self.scalars = scalars
        self.n_scalars = (len(species.ONE_HOT) if scalars == "pid" else 2) if pid else 1

    def momenta(self, jets: Jets) -> NDArray[np.float64]:
        """Four-momenta (m, 4) in GeV of all particles, computed in float64."""
        mass = species.mass(jets.pdgid) if self.pid else 0.0
        return four_momenta(jets.pt, jets.y, jets.phi, mass)

    def features(self, pdgid: NDArray[np.int32]) -> NDArray[np.float32]:
        """Scalars (m, n_scalars) of particles of these types (m,)."""
        if not self.pid:
            return np.ones((len(pdgid), 1), np.float32)
        if self.scalars == "pid":
            return species.one_hot(pdgid)
        return np.stack([np.log1p(species.mass(pdgid)), species.charge(pdgid)], axis=1).astype(np.float32)
