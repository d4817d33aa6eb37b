"""Light-quark and gluon jets of the EnergyFlow sample."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hepexp.data import species
from hepexp.data.check import check_qg
from hepexp.data.collection import Collection
from hepexp.data.layouts import QG
from hepexp.data.particles import TypedParticles
from hepexp.data.pictures.jet_view import JetView
from hepexp.data.published import energyflow_parts
from hepexp.data.ragged import Ragged
from hepexp.data.summary import jet_values

KINDS = ("charged hadron", "neutral hadron", "photon", "electron", "muon")
_READER = TypedParticles(pid=True, scalars="pid")


def kind_of(jets: Ragged) -> NDArray[np.int64]:
    """Index in KINDS of each particle (m,)."""
    number = np.abs(jets["pdgid"])
    charged = species.charge(number) != 0
    return np.select([number == 22, number == 11, number == 13, charged], [2, 3, 4, 0], 1)


COLLECTION = Collection(
    name="qg",
    about="quark (1) vs gluon (0) jets, Z + jet at 14 TeV, pT 500-550 GeV, |y| < 1.7, anti-kT R = 0.4",
    classes=("gluon", "quark"),
    layout=QG,
    units="pt [GeV], rapidity y, phi [rad], pdgid; models get (E, px, py, pz) in GeV",
    cite="P. T. Komiske, E. M. Metodiev, J. Thaler, arXiv:1810.05165; doi:10.5281/zenodo.3164691",
    licence="CC BY 4.0",
    size="20 files of 100,000 jets, 2.2 GB",
    published_at="Zenodo record 3164691, mirrored on Dropbox",
    forms=(energyflow_parts(),),
    readers={".npz": "hepexp.data.formats.energyflow:read"},
    check=check_qg,
    values=jet_values(_READER),
    view=JetView(_READER, 0.4, KINDS, kind_of),
    generator="hepexp.data.generate.qg",
    mini=Path(__file__).parents[1] / "mini" / "qg.parquet",
)
