"""Showers of single particles in a calorimeter of three layers, as CaloGAN has them."""

from __future__ import annotations

from pathlib import Path

from hepexp.data.dataset_info import DatasetInfo, Part, PublishedFile
from hepexp.data.datasets.calogan.calorimeter import CELLS, FIRST
from hepexp.data.store.check import check_columns
from hepexp.data.store.images import images
from hepexp.data.store.limits import Limits

CLASSES = ("gamma", "eplus", "piplus")  # as the files are called
OVERFLOW = tuple(f"overflow_{layer}" for layer in range(len(CELLS)))
_DEPOSIT = Limits(0, 1e8, "MeV")
# Cells are counted through, layer by layer: those of a layer along x first, then along y.
LAYOUT = images(1, 1, FIRST[-1], _DEPOSIT, energy=Limits(1e-3, 1e5, "GeV"), **dict.fromkeys(OVERFLOW, _DEPOSIT))
check = check_columns(CLASSES, LAYOUT, "shower", "cell", may_be_empty=True)

# The publisher's sizes and checksums are not known here: `hepexp data verify` reads the files to the last shower.
_PARTS = tuple(Part(name, (PublishedFile(f"{name}.hdf5"),)) for name in CLASSES)

INFO = DatasetInfo(
    name="calogan",
    about="showers of e+ (1), photons (0) and pi+ (2) of 1 to 100 GeV in a lead-argon calorimeter of three layers",
    noun="shower",
    classes=CLASSES,
    layout=LAYOUT,
    units="energy of the particle in GeV; energies of the cells (3 x 96, 12 x 12 and 12 x 6), and of the rest of each "
    "layer (overflow), in MeV",
    cite="M. Paganini, L. de Oliveira, B. Nachman, arXiv:1705.02355; doi:10.17632/pvn3xc3wy5.1",
    licence="as the publisher states",
    size="3 files, one for each particle",
    published_at="Mendeley Data, doi:10.17632/pvn3xc3wy5.1",
    releases=(_PARTS, _PARTS[:2]),
    readers=dict.fromkeys((".hdf5", ".h5"), "hepexp.data.datasets.calogan.hdf5:read"),
    writers={".hdf5": "hepexp.data.datasets.calogan.hdf5:write"},
    check=check,
    generator="hepexp.data.datasets.calogan.generate",
    mini=Path(__file__).with_name("calogan.parquet"),
)
