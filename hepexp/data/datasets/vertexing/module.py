"""Jets as tracks: which of them are of one vertex?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from hepexp.data.datasets.vertexing.info import INFO
from hepexp.data.loading.jet_datamodule import JetDataModule
from hepexp.data.physics.kinematics import four_momenta, rapidity, wrapped
from hepexp.data.store.ragged import Ragged
from hepexp.data.transforms.four_momenta import check_scalars, with_particles
from hepexp.data.transforms.transform import Transform

PION_MASS = 0.13957  # GeV
NAMES = ("d0", "z0", "dphi", "deta", "log_pt", "charge", "log_jet_pt", "jet_eta", "jet_phi", "log_jet_mass")
_D0, _Z0 = 0.05, 0.1  # mm, below which asinh is linear
_ANGLE = 0.2


class Tracks(Transform):
    """Tracks as pions with, as scalars, their impact parameters, their place in the jet, and the jet.

    asinh(d0 / 0.05 mm), asinh(z0 / 0.1 mm), distances from the jet's axis in phi and eta in units of 0.2, ln(pT / GeV)
    and charge; ln(pT / 50 GeV), eta, phi and ln(1 + m / 5 GeV) of the jet.

    Parameters
    ----------
    scalars : `full` for these; `kin` for the constant 1.

    Raises
    ------
    ConfigError : neither.
    """

    def __init__(self, scalars: str = "full") -> None:
        check_scalars(scalars, ("full", "kin"), "")
        self.scalars = scalars
        self.scalar_names = NAMES if scalars == "full" else ()

    def __call__(self, jets: Ragged) -> Ragged:
        pt, phi = jets["pt"].astype(np.float64), jets["phi"].astype(np.float64)
        eta = np.arcsinh(jets["ctgtheta"].astype(np.float64))
        p4 = four_momenta(pt, rapidity(pt, eta, PION_MASS), phi, PION_MASS)
        if self.scalars == "kin":
            return with_particles(jets, p4, np.ones((len(p4), 1)))
        jet_pt, jet_eta, jet_phi, jet_mass = (
            np.repeat(jets[f"jet_{name}"].astype(np.float64), jets.counts) for name in ("pt", "eta", "phi", "mass")
        )
        columns = (
            np.arcsinh(jets["d0"] / _D0),
            np.arcsinh(jets["z0"] / _Z0),
            wrapped(phi - jet_phi) / _ANGLE,
            (eta - jet_eta) / _ANGLE,
            np.log(pt),
            jets["charge"],
            np.log(jet_pt / 50),
            jet_eta,
            jet_phi,
            np.log1p(np.maximum(jet_mass, 0) / 5),
        )
        return with_particles(jets, p4, np.stack(columns, axis=1))


class Vertexing(JetDataModule):
    """Bottom (label 2), charm (1) and light jets (0) of top pairs. The elements of an example are its charged tracks.

    `vertex` numbers the vertices of a jet; tracks with the same number were produced together.

    Parameters
    ----------
    scalars : of each track, beside its kinematics: `full` for impact parameters, charge and the jet; `kin` for nothing
        else.

    References
    ----------
    J. Shlomi et al., arXiv:2008.02831.
    """

    info = INFO

    classes: Sequence[str] | None = None
    extras: Sequence[str] = ()
    pair_targets: Sequence[str] = ("vertex",)
    scalars: Literal["full", "kin"] = "full"

    def particle_inputs(self) -> Tracks:
        return Tracks(self.scalars)
