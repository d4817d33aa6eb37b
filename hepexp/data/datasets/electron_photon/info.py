"""Electrons and photons in the electromagnetic calorimeter of CMS."""

from __future__ import annotations

from pathlib import Path

from hepexp.data.dataset_info import DatasetInfo, Part, PublishedFile
from hepexp.data.store.check import check_images
from hepexp.data.store.images import images
from hepexp.data.store.limits import Limits

LAYOUT = images(2, 32, 32, Limits(-1e6, 1e6))  # noise and times have either sign


CLASSES = ("photon", "electron")
CHANNELS = ("energy", "time")
_SHARE = "https://cernbox.cern.ch/remote.php/dav/public-files/"


def _part(particle: str, key: str) -> Part:
    name = f"Single{particle}Pt50_IMGCROPS_n249k_RHv1.hdf5"
    return Part(name.removesuffix(".hdf5"), (PublishedFile(name, urls=(f"{_SHARE}{key}/{name}",)),), n=249_000)


INFO = DatasetInfo(
    name="electron_photon",
    about="electrons (1) vs photons (0), pT 50 GeV, crops of 32 x 32 crystals of the CMS ECAL, energy and time",
    noun="image",
    classes=CLASSES,
    layout=LAYOUT,
    units="energy and time of each hit, scaled as published (approximately energy / 50 GeV, time / 50 ns)",
    cite="M. Andrews, M. Paulini, S. Gleyzer, B. Poczos, arXiv:1807.11916; CMS Open Data",
    licence="CC0 (CMS Open Data)",
    size="2 files of 249,000 images, 0.2 GB",
    published_at="CERNBox shares of ML4SCI",
    releases=((_part("Electron", "FbXw3V4XNyYB3oA"), _part("Photon", "AtBT8y4MiQYFcgc")),),
    readers=dict.fromkeys((".hdf5", ".h5"), "hepexp.data.datasets.electron_photon.reader:read"),
    check=check_images(CLASSES, LAYOUT),
    generator="hepexp.data.datasets.electron_photon.generate",
    mini=Path(__file__).with_name("electron_photon.parquet"),
)
