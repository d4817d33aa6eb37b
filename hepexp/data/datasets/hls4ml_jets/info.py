"""Jets of about 1 TeV by sixteen observables of their substructure, as a trigger would see them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hepexp.data.dataset_info import DatasetInfo, Part, PublishedFile
from hepexp.data.store.check import check_columns
from hepexp.data.store.limits import MASS, Limits
from hepexp.data.store.ragged import Layout

CLASSES = ("gluon", "quark", "w", "z", "top")
LETTERS = dict(zip("gqwzt", CLASSES, strict=True))  # of the classes in the published files
# C1, C2, D2, M2, N2 by fastjet-contrib's name, beta, and alpha of the numerator where it differs
CORRELATORS: dict[str, tuple[str, float, float | None]] = {
    "c1_b0_mmdt": ("c1", 0, None),
    "c1_b1_mmdt": ("c1", 1, None),
    "c1_b2_mmdt": ("c1", 2, None),
    "c2_b1_mmdt": ("c2", 1, None),
    "c2_b2_mmdt": ("c2", 2, None),
    "d2_b1_mmdt": ("d2", 1, None),
    "d2_b2_mmdt": ("d2", 2, None),
    "d2_a1_b1_mmdt": ("generalizedd2", 1, 1),
    "d2_a1_b2_mmdt": ("generalizedd2", 2, 1),
    "m2_b1_mmdt": ("m2", 1, None),
    "m2_b2_mmdt": ("m2", 2, None),
    "n2_b1_mmdt": ("n2", 1, None),
    "n2_b2_mmdt": ("n2", 2, None),
}
FEATURES = ("zlogz", *CORRELATORS, "mass_mmdt", "multiplicity")  # in the order of the published files
LAYOUT = Layout(
    {},
    dict.fromkeys(FEATURES, np.float32),
    limits={
        **dict.fromkeys(CORRELATORS, Limits(-1e-3, 1e6)),  # not negative, but for rounding
        "zlogz": Limits(-30, 1e-3),
        "mass_mmdt": MASS,
        "multiplicity": Limits(1, 1e5, whole=True),
    },
)
_EVERYTHING = "processed-pythia82-lhc13-all-pt1-50k-r1_h022_e0175_t220_nonu_truth"
_OPENML = "dataset_42468"

check = check_columns(CLASSES, LAYOUT, "jet", may_be_empty=True)  # the columns are of jets

INFO = DatasetInfo(
    name="hls4ml_jets",
    about="gluon (0), light-quark (1), W (2), Z (3) and top (4) jets near 1 TeV, by 16 observables of substructure",
    classes=CLASSES,
    layout=LAYOUT,
    units="zlogz, multiplicity; C1, C2, D2, M2, N2 and mass (GeV) after soft drop (beta = 0, z_cut = 0.1)",
    cite="J. Duarte et al., arXiv:1804.06913; E. Coleman et al., arXiv:1709.08705; doi:10.5281/zenodo.3602260",
    licence="CC BY 4.0",
    size="830,000 jets (OpenML 42468); or 990,000 (the file of the publication)",
    published_at="OpenML data set 42468 (hls4ml_lhc_jets_hlf), or CERNBox (cernbox.cern.ch/s/jvFd5MoWhGs1l5v)",
    releases=(
        (
            Part(
                "openml",
                (PublishedFile(f"{_OPENML}.pq", urls=(f"https://data.openml.org/datasets/0004/42468/{_OPENML}.pq",)),),
                n=830_000,
            ),
        ),
        (
            Part(
                "cernbox",
                (PublishedFile(f"{_EVERYTHING}.z", urls=("https://cernbox.cern.ch/s/jvFd5MoWhGs1l5v/download",)),),
            ),
        ),
    ),
    readers={
        ".pq": "hepexp.data.datasets.hls4ml_jets.reader:read_table",
        ".parquet": "hepexp.data.datasets.hls4ml_jets.reader:read_table",
        ".z": "hepexp.data.datasets.hls4ml_jets.reader:read_hdf5",
        ".h5": "hepexp.data.datasets.hls4ml_jets.reader:read_hdf5",
    },
    check=check,
    generator="hepexp.data.datasets.hls4ml_jets.generate",
    per_event=2,
    tenths=(1, 2),  # a fifth for the test, as published
    mini=Path(__file__).with_name("hls4ml_jets.parquet"),
)
