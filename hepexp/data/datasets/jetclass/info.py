"""The ten classes of large-radius jets of JetClass."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from hepexp.data.dataset_info import DatasetInfo, Part, PublishedFile
from hepexp.data.store import limits
from hepexp.data.store.check import check_four_momenta
from hepexp.data.store.limits import Limits
from hepexp.data.store.ragged import Layout

PARTICLE_TYPES = ("charged hadron", "neutral hadron", "photon", "electron", "muon")

# Four-momenta in GeV; signed impact parameters and their errors in mm, zero for neutral particles; charge in units of
# the positron's; type is a place in PARTICLE_TYPES.
LAYOUT = Layout(
    elements={
        **dict.fromkeys(("px", "py", "pz", "energy", "d0val", "d0err", "dzval", "dzerr"), np.float32),
        "charge": np.int8,
        "type": np.int8,
    },
    # pT, energy and soft-drop mass in GeV; N-subjettiness
    extras={
        f"jet_{name}": np.float32 for name in ("pt", "eta", "phi", "energy", "sdmass", "tau1", "tau2", "tau3", "tau4")
    },
    limits={
        "energy": limits.ENERGY,
        **limits.MOMENTA,
        **dict.fromkeys(("d0val", "dzval"), limits.DISTANCE),
        **dict.fromkeys(("d0err", "dzerr"), limits.DISTANCE_ERROR),
        "charge": Limits(-1, 1, whole=True),
        "type": Limits(0, 4, whole=True),
        "jet_pt": limits.ENERGY,
        "jet_eta": limits.RAPIDITY,
        "jet_phi": limits.AZIMUTH,
        "jet_energy": limits.ENERGY,
        "jet_sdmass": limits.MASS,
        **{f"jet_tau{n}": Limits(-1, limits.MOST_ENERGY) for n in (1, 2, 3, 4)},  # pT times angle, or divided by pT
    },
)


# class: the process that its files are named after
PROCESSES = {
    "QCD": "ZJetsToNuNu",
    "Hbb": "HToBB",
    "Hcc": "HToCC",
    "Hgg": "HToGG",
    "H4q": "HToWW4Q",
    "Hlvqq": "HToWW2Q1L",
    "Zqq": "ZToQQ",
    "Wqq": "WToQQ",
    "Tbqq": "TTBar",
    "Tblv": "TTBarLep",
}
CLASSES = tuple(PROCESSES)
_NUMBERS = {"train": range(100), "test": range(100, 120), "val": range(120, 125)}
_FOLDERS = {"train": "train_100M", "test": "test_20M", "val": "val_5M"}


def _archives() -> dict[str, PublishedFile]:
    """The tar archives of Zenodo record 6619768, by name."""
    with Path(__file__).with_name("published.csv").open() as table:
        return {
            row["name"]: PublishedFile(
                row["name"],
                md5=row["md5"],
                urls=(f"https://zenodo.org/records/6619768/files/{row['name']}?download=1",),
            )
            for row in csv.DictReader(table)
        }


def _parts() -> tuple[Part, ...]:
    """One part per file of 100,000 jets; the first ten of each split cover each class once."""
    archives, parts = _archives(), []
    for split, numbers in _NUMBERS.items():
        for number in numbers:
            part = f"_part{number // 10}" if split == "train" else ""
            archive = archives[f"JetClass_Pythia_{_FOLDERS[split]}{part}.tar"]
            for process in PROCESSES.values():
                name = f"{process}_{number:03d}"
                file = PublishedFile(f"{_FOLDERS[split]}/{name}.root", archive=archive)
                parts.append(Part(name, (file,), split, 100_000))
    return tuple(parts)


INFO = DatasetInfo(
    name="jetclass",
    about="ten classes of jets with particle types, 13 TeV, pT 500-1000 GeV, |eta| < 2, anti-kT R = 0.8",
    classes=CLASSES,
    layout=LAYOUT,
    units="(px, py, pz, energy) in GeV, charge, type, d0 and dz in mm with errors; jet pt, energy, sdmass in GeV",
    cite="H. Qu, C. Li, S. Qian, arXiv:2202.03772; doi:10.5281/zenodo.6619768",
    licence="CC BY 4.0",
    size="1,250 files of 100,000 jets, 190 GB",
    published_at="Zenodo record 6619768, as 12 tar archives",
    releases=(_parts(),),
    other_folders=("JetClass/Pythia", "JetClass"),
    readers={
        ".root": "hepexp.data.datasets.jetclass.reader:read_root",
        ".parquet": "hepexp.data.datasets.jetclass.reader:read_parquet",
    },
    check=check_four_momenta(CLASSES, LAYOUT),
    generator="hepexp.data.datasets.jetclass.generate",
    per_event=2,
    mini=Path(__file__).with_name("jetclass.parquet"),
    background="QCD",
    # as in table 1 of arXiv:2202.03772; leptons make some classes easy to tell from QCD
    working_points={**dict.fromkeys(CLASSES, (0.5,)), "Hlvqq": (0.99,), "Tblv": (0.995,)},
)
