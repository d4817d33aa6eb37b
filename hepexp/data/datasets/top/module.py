"""The Top Tagging Reference Data Set, or jets simulated in the same way."""

from __future__ import annotations

from hepexp.data.datasets.top.info import INFO
from hepexp.data.loading.jet_datamodule import JetDataModule
from hepexp.data.transforms.four_momenta import FourMomentumParticles


class TopTagging(JetDataModule):
    """Hadronic top-quark jets (label 1) vs QCD jets (label 0), pT 550-650 GeV, |eta| < 2, anti-kT R = 0.8.

    Parameters
    ----------
    beams : prepend two beam particles to each jet, as LorentzNet's authors do, for models that take particles.

    References
    ----------
    G. Kasieczka et al., arXiv:1902.09914; data at doi:10.5281/zenodo.2603256.
    """

    info = INFO

    beams: bool = False

    def particle_inputs(self) -> FourMomentumParticles:
        return FourMomentumParticles("E")
