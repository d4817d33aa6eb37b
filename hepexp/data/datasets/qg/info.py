"""Light-quark and gluon jets of the EnergyFlow sample."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from hepexp.data.dataset_info import DatasetInfo, Part, PublishedFile
from hepexp.data.physics import species
from hepexp.data.store import limits
from hepexp.data.store.check import Refusal
from hepexp.data.store.ragged import Layout, Ragged

# pT in GeV, rapidity, azimuth in radians, type in the PDG's Monte Carlo numbering
LAYOUT = Layout(
    {"pt": np.float32, "y": np.float32, "phi": np.float32, "pdgid": np.int32},
    limits={"pt": limits.ENERGY, "y": limits.RAPIDITY, "phi": limits.AZIMUTH, "pdgid": limits.PDGID},
)


def energyflow_parts() -> tuple[Part, ...]:
    """The twenty files of the EnergyFlow sample without charm and bottom: Zenodo record 3164691, and a mirror.

    The checksums are those that EnergyFlow 1.3 verifies after a download.
    """
    with Path(__file__).with_name("published.csv").open(encoding="utf-8") as table:
        return tuple(
            Part(
                row["name"].removesuffix(".npz"),
                (
                    PublishedFile(
                        name=row["name"],
                        md5=row["md5"],
                        sha256=row["sha256"],
                        urls=(
                            f"https://zenodo.org/records/3164691/files/{row['name']}?download=1",
                            f"https://www.dropbox.com/s/{row['dropbox']}/{row['name']}?dl=1",
                        ),
                    ),
                ),
                n=100_000,
            )
            for row in csv.DictReader(table)
        )


def check(jets: Ragged, origin: str, first_row: int = 0) -> Ragged:
    """Check jets, and return them unchanged.

    Parameters
    ----------
    jets : the jets read; the types of the columns may differ from the layout's.
    origin : name of the file, for the message.
    first_row : row in the file of the first of these jets.

    Raises
    ------
    DataError : names the file and the first bad row, and says what was expected.
    """
    refuse = Refusal(jets, origin, first_row)
    refuse.of_rows(jets.counts == 0, "no particles", "has no particles; expected at least one with pt > 0")
    refuse.of_common(("gluon", "quark"), LAYOUT)
    pdgid = jets["pdgid"]
    refuse.of_elements(
        ~species.is_known(pdgid),
        "pdgid",
        lambda i: f"has a particle of unknown pdgid {pdgid[i]:.12g}; expected one of hepexp.data.physics.species",
    )
    with np.errstate(over="ignore", invalid="ignore"):  # from rapidities that have already been refused
        energy = jets["pt"] * np.cosh(jets["y"].astype(np.float64))
    refuse.of_elements(
        energy > limits.MOST_ENERGY,
        "energy",
        lambda i: f"has a particle with energy pt cosh y = {energy[i]:g}; expected at most {limits.ENERGY.high:g} GeV",
    )
    refuse.finish()
    return jets


INFO = DatasetInfo(
    name="qg",
    about="quark (1) vs gluon (0) jets, Z + jet at 14 TeV, pT 500-550 GeV, |y| < 1.7, anti-kT R = 0.4",
    classes=("gluon", "quark"),
    layout=LAYOUT,
    units="pt [GeV], rapidity y, phi [rad], pdgid; models get (E, px, py, pz) in GeV",
    cite="P. T. Komiske, E. M. Metodiev, J. Thaler, arXiv:1810.05165; doi:10.5281/zenodo.3164691",
    licence="CC BY 4.0",
    size="20 files of 100,000 jets, 2.2 GB",
    published_at="Zenodo record 3164691, mirrored on Dropbox",
    releases=(energyflow_parts(),),
    readers={".npz": "hepexp.data.datasets.qg.reader:read"},
    writers={".npz": "hepexp.data.datasets.qg.reader:write"},
    check=check,
    generator="hepexp.data.datasets.qg.generate",
    mini=Path(__file__).with_name("qg.parquet"),
)
