"""Muons in four stations, for a trigger's measurement of their transverse momentum."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from typing import Literal

from hepexp.data.datasets.muon_stations.columns import FEATURES
from hepexp.data.datasets.muon_stations.info import INFO
from hepexp.data.keys import chosen_names
from hepexp.data.loading.datamodule import HepDataModule
from hepexp.data.representations.representation import Representation
from hepexp.data.representations.variables import Variables


class MuonStations(HepDataModule):
    """Muons of a toy endcap with a non-uniform field, scattering and energy loss, 1 to 256 GeV, flat in 1 / pT.

    Parameters
    ----------
    variables : what models read, null for all: theta of the first station, differences of azimuth and polar angle
        dphi_12 to dphi_34 and dtheta_12 to dtheta_34, the local directions bend_1 to bend_4, and front_1 to front_4,
        which are 1 for a chamber in front.
    standardise : whether each variable is scaled to mean 0 and variance 1 over the training muons.
    """

    info = INFO

    source: Literal["auto", "mini", "generate"] = "auto"
    variables: Sequence[str] | None = None
    standardise: bool = True
    targets: Sequence[str] = ("inverse_pt",)
    n_generate: int = 100000
    n_files: None = field(default=None, init=False)
    views: None = field(default=None, init=False)

    def make_representations(self) -> list[Representation]:
        return [Variables(chosen_names("variables", self.variables, FEATURES), self.standardise)]
