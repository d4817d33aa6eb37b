"""Quark and gluon jets in Z + jet events at 14 TeV: the EnergyFlow sample, or jets simulated in the same way."""

from __future__ import annotations

from typing import Literal

from hepexp.data.datasets.qg.info import INFO
from hepexp.data.loading.jet_datamodule import JetDataModule
from hepexp.data.transforms.four_momenta import PdgParticles


class QuarkGluon(JetDataModule):
    """Light-quark jets (label 1) vs gluon jets (label 0), pT 500-550 GeV, |y| < 1.7, anti-kT R = 0.4.

    Parameters
    ----------
    pid : use the particle type. If false, all particles are massless and their only scalar is the constant 1.
    scalars : scalar inputs for each particle if `pid` is true: `pid` for a one-hot encoding of 8 particle types,
        `mass_charge` for psi(mass) and charge, `kinpid` for charge and the 5 types of JetClass, `kin` for nothing but
        kinematics. `full` would need impact parameters.

    References
    ----------
    P. T. Komiske, E. M. Metodiev, J. Thaler, arXiv:1810.05165; data at doi:10.5281/zenodo.3164691.
    """

    info = INFO

    pid: bool = True
    scalars: Literal["pid", "mass_charge", "kin", "kinpid", "full"] = "pid"

    def particle_inputs(self) -> PdgParticles:
        return PdgParticles(self.pid, self.scalars)
