"""The ten classes of large-radius jets of JetClass."""

from __future__ import annotations

import csv
from importlib.resources import files
from pathlib import Path

from hepexp.data.check import check_four_momenta
from hepexp.data.collection import Collection
from hepexp.data.layouts import JETCLASS
from hepexp.data.particles import Identified
from hepexp.data.pictures.jet_view import JetView
from hepexp.data.published import Part, PublishedFile
from hepexp.data.summary import jet_values

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
KINDS = ("charged hadron", "neutral hadron", "photon", "electron", "muon")  # in the order of the column `type`
_READER = Identified()
_NUMBERS = {"train": range(100), "test": range(100, 120), "val": range(120, 125)}
_FOLDERS = {"train": "train_100M", "test": "test_20M", "val": "val_5M"}


def _archives() -> dict[str, PublishedFile]:
    """The tar archives of Zenodo record 6619768, by name."""
    with files("hepexp.data.published").joinpath("jetclass.csv").open() as table:
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


COLLECTION = Collection(
    name="jetclass",
    about="ten classes of jets with particle types, 13 TeV, pT 500-1000 GeV, |eta| < 2, anti-kT R = 0.8",
    classes=CLASSES,
    layout=JETCLASS,
    units="(px, py, pz, energy) in GeV, charge, type, d0 and dz in mm with errors; jet pt, energy, sdmass in GeV",
    cite="H. Qu, C. Li, S. Qian, arXiv:2202.03772; doi:10.5281/zenodo.6619768",
    licence="CC BY 4.0",
    size="1,250 files of 100,000 jets, 190 GB",
    published_at="Zenodo record 6619768, as 12 tar archives",
    forms=(_parts(),),
    other_folders=("JetClass/Pythia", "JetClass"),
    readers={
        ".root": "hepexp.data.formats.jetclass_root:read",
        ".parquet": "hepexp.data.formats.jetclass_parquet:read",
    },
    check=check_four_momenta(CLASSES, JETCLASS),
    values=jet_values(_READER),
    view=JetView(_READER, 0.8, KINDS, lambda jets: jets["type"]),
    generator="hepexp.data.generate.jetclass",
    per_event=2,
    mini=Path(__file__).parents[1] / "mini" / "jetclass.parquet",
)
