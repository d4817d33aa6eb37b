"""Top-quark jets and QCD jets of the Top Tagging Reference."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hepexp.data.dataset_info import DatasetInfo, Part, PublishedFile
from hepexp.data.store import limits
from hepexp.data.store.check import check_four_momenta
from hepexp.data.store.ragged import Layout

# four-momenta in GeV
LAYOUT = Layout(dict.fromkeys(("E", "px", "py", "pz"), np.float32), limits={"E": limits.ENERGY, **limits.MOMENTA})


CLASSES = ("qcd", "top")
_MD5 = {
    "train": "45663819f47c13724f67eb0fd80bfa5c",
    "val": "dca4b7248027618f041f9baa86d360fc",
    "test": "13163479dee30a5fe546e4536cc3d04d",
}
_SIZES = {"train": 1_211_000, "val": 403_000, "test": 404_000}

INFO = DatasetInfo(
    name="top",
    about="hadronic top (1) vs QCD (0) jets, 14 TeV, pT 550-650 GeV, |eta| < 2, anti-kT R = 0.8",
    classes=CLASSES,
    layout=LAYOUT,
    units="(E, px, py, pz) in GeV of up to 200 calorimeter towers, hardest first",
    cite="G. Kasieczka, T. Plehn, J. Thompson, M. Russell, arXiv:1902.09914; doi:10.5281/zenodo.2603256",
    licence="CC BY 4.0",
    size="3 files, 2.0 million jets, 1.6 GB",
    published_at="Zenodo record 2603256",
    releases=(
        tuple(
            Part(
                split,
                (
                    PublishedFile(
                        f"{split}.h5",
                        md5=md5,
                        urls=(f"https://zenodo.org/records/2603256/files/{split}.h5?download=1",),
                    ),
                ),
                split,
                _SIZES[split],
            )
            for split, md5 in _MD5.items()
        ),
    ),
    readers={".h5": "hepexp.data.datasets.top.reader:read"},
    check=check_four_momenta(CLASSES, LAYOUT),
    generator="hepexp.data.datasets.top.generate",
    per_event=2,
    mini=Path(__file__).with_name("top.parquet"),
)
