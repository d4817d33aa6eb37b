"""Electrons and photons in the electromagnetic calorimeter of CMS."""

from __future__ import annotations

from pathlib import Path

from hepexp.data.check import check_images
from hepexp.data.collection import Collection
from hepexp.data.layouts import ELECTRON_PHOTON
from hepexp.data.pictures.image_view import ImageView
from hepexp.data.pictures.view import Channel
from hepexp.data.published import Part, PublishedFile
from hepexp.data.summary import image_values

CLASSES = ("photon", "electron")
_DRAWN = (Channel("energy", "≈ 50 GeV"), Channel("time", "≈ 50 ns", "signed"))
CHANNELS = tuple(channel.name for channel in _DRAWN)
HOTTEST = 16  # row and column of the crystal with the most energy
_SHARE = "https://cernbox.cern.ch/remote.php/dav/public-files/"


def _part(particle: str, key: str) -> Part:
    name = f"Single{particle}Pt50_IMGCROPS_n249k_RHv1.hdf5"
    return Part(name.removesuffix(".hdf5"), (PublishedFile(name, urls=(f"{_SHARE}{key}/{name}",)),), n=249_000)


COLLECTION = Collection(
    name="electron_photon",
    about="electrons (1) vs photons (0), pT 50 GeV, crops of 32 x 32 crystals of the CMS ECAL, energy and time",
    noun="image",
    classes=CLASSES,
    layout=ELECTRON_PHOTON,
    units="energy and time of each hit, scaled as published (approximately energy / 50 GeV, time / 50 ns)",
    cite="M. Andrews, M. Paulini, S. Gleyzer, B. Poczos, arXiv:1807.11916; CMS Open Data",
    licence="CC0 (CMS Open Data)",
    size="2 files of 249,000 images, 0.2 GB",
    published_at="CERNBox shares of ML4SCI",
    forms=((_part("Electron", "FbXw3V4XNyYB3oA"), _part("Photon", "AtBT8y4MiQYFcgc")),),
    readers=dict.fromkeys((".hdf5", ".h5"), "hepexp.data.formats.image_hdf5:read_electron_photon"),
    check=check_images(CLASSES, ELECTRON_PHOTON),
    values=image_values(ELECTRON_PHOTON.shape, _DRAWN),
    view=ImageView(
        ELECTRON_PHOTON.shape,
        _DRAWN,
        (r"$\Delta i_\eta$ [crystals]", r"$\Delta i_\phi$ [crystals]"),
        centre=HOTTEST,
    ),
    generator="hepexp.data.generate.electron_photon",
    mini=Path(__file__).parents[1] / "mini" / "electron_photon.parquet",
)
