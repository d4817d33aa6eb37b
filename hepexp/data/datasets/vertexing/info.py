"""Jets as charged tracks, each of one vertex."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hepexp.data.dataset_info import DatasetInfo, Part, PublishedFile
from hepexp.data.store.check import check_columns
from hepexp.data.store.limits import AZIMUTH, DISTANCE, ENERGY, MASS, RAPIDITY, Limits
from hepexp.data.store.ragged import Layout

FLAVOURS = {"light": 0, "charm": 4, "bottom": 5}  # by the number that published files give to it
CLASSES = tuple(FLAVOURS)
COTANGENT = Limits(-3e8, 3e8)  # sinh of the largest pseudorapidity
LAYOUT = Layout(
    elements={
        **dict.fromkeys(("d0", "z0", "phi", "ctgtheta", "pt"), np.float32),
        "charge": np.int8,
        "vertex": np.int16,
    },
    extras=dict.fromkeys(("jet_pt", "jet_eta", "jet_phi", "jet_mass"), np.float32),
    limits={
        **dict.fromkeys(("d0", "z0"), DISTANCE),
        "phi": AZIMUTH,
        "ctgtheta": COTANGENT,
        "pt": ENERGY,
        "charge": Limits(-1, 1, whole=True),
        "vertex": Limits(-1, 2**15 - 1, whole=True),
        "jet_pt": ENERGY,
        "jet_eta": RAPIDITY,
        "jet_phi": AZIMUTH,
        "jet_mass": MASS,
    },
)

check = check_columns(CLASSES, LAYOUT, "jet", "track")


def _part(split: str) -> Part:
    return Part(split, (PublishedFile(f"{split}_data.root"),), {"training": "train", "valid": "val"}.get(split, split))


INFO = DatasetInfo(
    name="vertexing",
    about="bottom, charm and light jets of top pairs as tracks: which tracks are of one vertex?",
    classes=CLASSES,
    layout=LAYOUT,
    units="d0, z0 (mm), phi, ctgtheta, pt (GeV), charge and vertex of each track; jet pt, mass (GeV), eta, phi",
    cite="J. Shlomi et al., arXiv:2008.02831; doi:10.5281/zenodo.4044628",
    licence="CC BY 4.0",
    size="700,000 jets",
    published_at="Zenodo record 4044628",
    releases=((_part("training"), _part("valid"), _part("test")),),
    other_folders=("set2graph", "Set2Graph"),
    readers={".root": "hepexp.data.datasets.vertexing.reader:read"},
    check=check,
    generator="hepexp.data.datasets.vertexing.generate",
    mini=Path(__file__).with_name("vertexing.parquet"),
    background="light",
)
