"""JetClass, or jets simulated in the same way."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Literal

from hepexp.data.datasets.jetclass.info import INFO, PARTICLE_TYPES
from hepexp.data.loading.jet_datamodule import JetDataModule
from hepexp.data.transforms.four_momenta import JetClassParticles


class JetClass(JetDataModule):
    """Ten classes of jets: QCD, Higgs to bb, cc, gg, 4q and lvqq, Z and W to qq, top to bqq and blv.

    Parameters
    ----------
    scalars : feature set of each particle, beside its kinematics: `full` for charge, type and impact parameters;
        `kinpid` for charge and type; `kin` for nothing else.

    References
    ----------
    H. Qu, C. Li, S. Qian, arXiv:2202.03772; data at doi:10.5281/zenodo.6619768.
    """

    info = INFO
    element_classes = MappingProxyType({"type": PARTICLE_TYPES})

    classes: Sequence[str] | None = None
    extras: Sequence[str] = ()
    scalars: Literal["full", "kinpid", "kin"] = "full"

    def particle_inputs(self) -> JetClassParticles:
        return JetClassParticles(self.scalars)
