"""The Top Tagging Reference Data Set, or jets simulated in the same way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from hepexp.data.datasets.top.info import INFO
from hepexp.data.loading.jet_datamodule import JetDataModule
from hepexp.data.transforms.four_momenta import FourMomentumParticles
from hepexp.errors import ConfigError


class TopTagging(JetDataModule):
    """Hadronic top-quark jets (label 1) vs QCD jets (label 0), pT 550-650 GeV, |eta| < 2, anti-kT R = 0.8.

    Parameters
    ----------
    scalars : scalar inputs for each particle: `mass` for (psi(mass), 0), `kin` for nothing but kinematics. `kinpid` and
        `full` would need particle types.
    beams : prepend two beam particles to each jet, as LorentzNet's authors do, for models that take particles.

    References
    ----------
    G. Kasieczka et al., arXiv:1902.09914; data at doi:10.5281/zenodo.2603256.
    """

    info = INFO

    scalars: Literal["mass", "kin", "kinpid", "full"] = "mass"
    beams: bool = False
    train_classes: Sequence[str] | None = None

    def particle_inputs(self) -> FourMomentumParticles:
        if self.beams and self.scalars == "kin":
            raise ConfigError(
                "dataset.beams=true needs dataset.scalars=mass, which tells beams from particles; got kin"
            )
        return FourMomentumParticles("E", self.scalars)
