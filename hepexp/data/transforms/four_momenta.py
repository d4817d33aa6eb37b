"""A model's inputs for each particle: a four-momentum, and Lorentz-invariant scalars."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from hepexp.batch import PARTICLE_TYPE
from hepexp.data.physics import species
from hepexp.data.physics.kinematics import four_momenta
from hepexp.data.store.ragged import Ragged
from hepexp.data.transforms.carry import carried
from hepexp.data.transforms.transform import Transform
from hepexp.errors import ConfigError

# Beside kinematics, the sets of arXiv:2202.03772, table 2, have nothing (kin), PARTICLE_TYPE (kinpid), or these too.
IMPACT_PARAMETERS = ("d0", "d0err", "dz", "dzerr")
_NEEDS = {
    "kinpid": "the charge and type of each particle",
    "full": "the charge, type and impact parameters of each particle with their errors",
}


def check_scalars(scalars: str, offered: Sequence[str], lacking: str) -> None:
    """Check a choice of scalars.

    Parameters
    ----------
    offered : the choices of the data set.
    lacking : what the data do not have of `_NEEDS`.

    Raises
    ------
    ConfigError : a set that needs what the data lack, or an unknown one.
    """
    if scalars in offered:
        return
    expected = f"expected one of {', '.join(offered)}"
    if scalars in _NEEDS:
        raise ConfigError(
            f"dataset.scalars={scalars} needs {_NEEDS[scalars]}; this data set has no {lacking}; {expected}"
        )
    raise ConfigError(f"dataset.scalars: {expected}, got {scalars!r}")


def with_particles(jets: Ragged, p4: NDArray[np.float64], scalars: NDArray[np.floating]) -> Ragged:
    """The jets with their columns, except those carried along, replaced by p4 (m, 4) in GeV and scalars (m, S)."""
    return replace(jets, elements={"p4": p4, "scalars": scalars.astype(np.float32), **carried(jets)})


def psi(z: NDArray[np.floating]) -> NDArray[np.floating]:
    """sgn(z) ln(1 + |z|), arXiv:2201.08187, section 3.2: compresses masses and invariants."""
    return np.sign(z) * np.log1p(np.abs(z))


class FourMomentumParticles(Transform):
    """Particles given as four-momenta.

    Parameters
    ----------
    energy : name of the energy's column.
    scalars : `mass` for (psi(m), 0), m = sqrt|p^2| in GeV (arXiv:2201.08187, section 4); `kin` for the constant 1.

    Raises
    ------
    ConfigError : `scalars` is neither.
    """

    def __init__(self, energy: str, scalars: str = "mass") -> None:
        check_scalars(scalars, ("mass", "kin"), "particle types and no impact parameters")
        self.energy = energy
        self.scalars = scalars
        self.mass_scalar = 0 if scalars == "mass" else None

    def __call__(self, jets: Ragged) -> Ragged:
        p4 = np.stack([jets[name] for name in (self.energy, "px", "py", "pz")], axis=1).astype(np.float64)
        if self.scalars == "kin":
            return with_particles(jets, p4, np.ones((len(p4), 1)))
        mass = np.sqrt(np.abs(p4[:, 0] ** 2 - (p4[:, 1:] ** 2).sum(1)))
        scalars = np.stack([psi(mass), np.zeros(len(p4))], axis=1)
        return with_particles(jets, p4, scalars)


class JetClassParticles(Transform):
    """Particles with a type, a charge and impact parameters, as in JetClass.

    Scalars: charge; one-hot type (charged hadron, neutral hadron, photon, electron, muon); tanh(d0 / mm), error of d0
    in mm clipped at 1, tanh(dz / mm), error of dz in mm clipped at 1 (arXiv:2202.03772, table 2).

    Parameters
    ----------
    scalars : `full` for all of them; `kinpid` for charge and type; `kin` for the constant 1.

    Raises
    ------
    ConfigError : `scalars` is none of these.
    """

    def __init__(self, scalars: str = "full") -> None:
        check_scalars(scalars, ("full", "kinpid", "kin"), "")
        self.scalars = scalars
        self.scalar_names = {"kin": (), "kinpid": PARTICLE_TYPE, "full": (*PARTICLE_TYPE, *IMPACT_PARAMETERS)}[scalars]

    def __call__(self, jets: Ragged) -> Ragged:
        p4 = np.stack([jets[name] for name in ("energy", "px", "py", "pz")], axis=1).astype(np.float64)
        return with_particles(jets, p4, self._features(jets))

    def _features(self, jets: Ragged) -> NDArray[np.floating]:
        if self.scalars == "kin":
            return np.ones((len(jets["px"]), 1))
        columns = [jets["charge"], *(jets["type"] == kind for kind in range(5))]
        if self.scalars == "full":
            for name in ("d0", "dz"):
                columns += [np.tanh(jets[f"{name}val"]), np.clip(jets[f"{name}err"], 0, 1)]
        return np.stack(columns, axis=1)


class PdgParticles(Transform):
    """Four-momenta and scalars of particles given as (pt, y, phi, pdgid).

    Parameters
    ----------
    pid : use the particle type. If false, every particle is massless and its only scalar is the constant 1, so that
        the mass does not reveal the type.
    scalars : with `pid`, one of `pid`: one-hot over |pdgid| in (11, 13, 22, 130, 211, 321, 2112, 2212);
        `mass_charge`: psi(mass in GeV) and charge; `kinpid`: charge and one-hot type as in JetClass; `kin`: the
        constant 1.

    Raises
    ------
    ConfigError : `scalars` is none of these, or needs the type without `pid`.
    """

    def __init__(self, pid: bool, scalars: str) -> None:
        check_scalars(scalars, ("pid", "mass_charge", "kin", "kinpid"), "impact parameters")
        if scalars == "kinpid" and not pid:
            raise ConfigError(f"dataset.scalars=kinpid needs {_NEEDS['kinpid']}, which dataset.pid=false leaves out")
        self.pid = pid
        self.scalars = scalars
        one_hot = tuple(f"|pdgid|={number}" for number in species.ONE_HOT)
        names = {"kin": (), "pid": one_hot, "mass_charge": ("psi(mass)", "charge"), "kinpid": PARTICLE_TYPE}
        self.scalar_names = names[scalars] if pid else ()
        self.mass_scalar = 0 if pid and scalars == "mass_charge" else None

    def __call__(self, jets: Ragged) -> Ragged:
        return with_particles(jets, self.momenta(jets), self.features(jets["pdgid"]))

    def momenta(self, jets: Ragged) -> NDArray[np.float64]:
        """Four-momenta (m, 4) in GeV of all particles, computed in float64."""
        mass = species.mass(jets["pdgid"]) if self.pid else 0.0
        return four_momenta(jets["pt"], jets["y"], jets["phi"], mass)

    def features(self, pdgid: NDArray[np.int32]) -> NDArray[np.float32]:
        """Scalars (m, S) of particles of these types (m,)."""
        if not self.pid or self.scalars == "kin":
            return np.ones((len(pdgid), 1), np.float32)
        if self.scalars == "pid":
            return species.one_hot(pdgid)
        if self.scalars == "kinpid":
            return np.column_stack([species.charge(pdgid), species.detected_type(pdgid)]).astype(np.float32)
        return np.stack([psi(species.mass(pdgid)), species.charge(pdgid)], axis=1).astype(np.float32)
