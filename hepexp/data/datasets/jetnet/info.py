"""JetNet: jets of about 1 TeV as clouds of particles, for generative models."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hepexp.data.dataset_info import DatasetInfo, Part, PublishedFile
from hepexp.data.store import limits
from hepexp.data.store.check import check_columns
from hepexp.data.store.limits import Limits
from hepexp.data.store.ragged import Layout

CLASSES = ("gluon", "quark", "top", "w", "z")
LETTERS = dict(zip("gqtwz", CLASSES, strict=True))  # after which the files are named
MOST_PARTICLES = 150
RADIUS = 0.4  # of the anti-kT jets; `generate.py` says how it was judged
SHARE = Limits(1e-9, 4)  # of the jet's pT; the minimum, far below what a detector measures, has a finite logarithm
ANGLE = Limits(-4, 4)

# Angles of a particle relative to the jet's axis (phi in radians) and its pT relative to the jet's; pT and mass of the
# jet in GeV.
LAYOUT = Layout(
    elements=dict.fromkeys(("eta_rel", "phi_rel", "pt_rel"), np.float32),
    extras=dict.fromkeys(("jet_pt", "jet_eta", "jet_mass"), np.float32),
    limits={
        "eta_rel": ANGLE,
        "phi_rel": ANGLE,
        "pt_rel": SHARE,
        "jet_pt": limits.ENERGY,
        "jet_eta": limits.RAPIDITY,
        "jet_mass": limits.MASS,
    },
)
_N_JETS = {"g": 177_252, "q": 170_679, "t": 177_945, "w": 177_172, "z": 176_952}
# Of the files with 30 particles, as MurrellLab/GenBench recorded them when it prepared its benchmark; we could compare
# them with no download of our own. Those of the files with 150 particles are not known to us.
_MD5 = {
    "g": "4f537329da897a22a59762c9fd8b74da",
    "q": "0ede789774bb74d4795c5d19d7ef66c6",
    "t": "6c9d0663b352c85f74fcd2553e6872bf",
    "w": "16cc265cb039f76bba43bab408916e3e",
    "z": "90ffacd034dc87c802bc43385af9fea3",
}


def _release(record: int, suffix: str, md5: dict[str, str], n: dict[str, int]) -> tuple[Part, ...]:
    return tuple(
        Part(
            f"{letter}{suffix}",
            (
                PublishedFile(
                    f"{letter}{suffix}.hdf5",
                    md5=md5.get(letter),
                    urls=(f"https://zenodo.org/records/{record}/files/{letter}{suffix}.hdf5?download=1",),
                ),
            ),
            n=n.get(letter),
        )
        for letter in LETTERS
    )


INFO = DatasetInfo(
    name="jetnet",
    about="jets of gluons, quarks, tops, W and Z with pT near 1 TeV at 13 TeV, anti-kT R = 0.4, as clouds of particles",
    classes=CLASSES,
    layout=LAYOUT,
    units="eta_rel, phi_rel [rad], pt_rel of up to 30 or 150 particles; jet_pt, jet_mass [GeV], jet_eta",
    cite="R. Kansal et al., arXiv:2106.11535; doi:10.5281/zenodo.6975118 (30 particles), 10.5281/zenodo.6975117 (150)",
    licence="CC BY 4.0",
    size="5 files, 880,000 jets",
    published_at="Zenodo records 6975118 (30 particles) and 6975117 (150 particles)",
    # whoever has both gets the particles that the other one lacks
    releases=(_release(6975118, "", _MD5, _N_JETS), _release(6975117, "150", {}, {})),
    readers={
        ".hdf5": "hepexp.data.datasets.jetnet.reader:read",
        ".h5": "hepexp.data.datasets.jetnet.reader:read",
    },
    check=check_columns(CLASSES, LAYOUT, "jet", "particle"),
    generator="hepexp.data.datasets.jetnet.generate",
    per_event=2,
    tenths=(1.5, 1.5),
    mini=Path(__file__).with_name("jetnet.parquet"),
)
