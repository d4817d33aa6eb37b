"""Dijet events of the LHC Olympics: masses and substructure of the two leading jets."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hepexp.data.dataset_info import DatasetInfo, Part, PublishedFile
from hepexp.data.store.check import check_columns
from hepexp.data.store.limits import MASS, Limits
from hepexp.data.store.ragged import Layout

CLASSES = ("background", "signal")
TAU21 = Limits(0, 2)  # above 1 only by the choice of axes
COLUMNS = {"mjj": MASS, "m_min": MASS, "dm": MASS, "tau21_1": TAU21, "tau21_2": TAU21}
LAYOUT = Layout({}, dict.fromkeys(COLUMNS, np.float32), limits=COLUMNS)
# For validation and the test, of ten; the rest trains. Only with many background events left is a cut's gain known.
TENTHS = (1, 4)

check = check_columns(CLASSES, LAYOUT, "event", may_be_empty=True)  # the columns are of events
_EVENTS = "events_anomalydetection_v2.features"


def _part(name: str, n: int) -> Part:
    return Part(name, (PublishedFile(f"{name}.npy"),), n=n)


INFO = DatasetInfo(
    name="lhco",
    about="dijet events of the LHC Olympics' R&D set, W' (3.5 TeV) -> X (500 GeV) Y (100 GeV) (1) vs QCD (0)",
    noun="event",
    classes=CLASSES,
    layout=LAYOUT,
    units="dijet mass mjj, mass of the lighter jet m_min, difference of the jets' masses dm (GeV; TeV in the files); "
    "tau21 of the lighter and of the heavier jet",
    cite="G. Kasieczka et al., arXiv:2101.08320; features as prepared by A. Hallin et al., arXiv:2109.00546",
    licence="CC BY 4.0 (LHC Olympics R&D set, doi:10.5281/zenodo.4536377)",
    size="1.1 million events; or 3 files of the signal region, 147,263 events, 7 MB, from the repository of CATHODE",
    published_at="doi:10.5281/zenodo.4536377, or the repository of CATHODE, whose script makes files of it",
    releases=(
        (
            Part(
                _EVENTS,
                (PublishedFile(f"{_EVENTS}.h5", urls=(f"https://zenodo.org/records/4536377/files/{_EVENTS}.h5",)),),
                n=1_100_000,
            ),
        ),
        (
            _part("innerdata_train", 60_000),
            _part("innerdata_val", 60_000),
            _part("innerdata_extrasig_train", 27_263),
        ),
    ),
    tenths=TENTHS,
    readers={
        ".npy": "hepexp.data.datasets.lhco.reader:read",
        ".h5": "hepexp.data.datasets.lhco.features_reader:read",
    },
    check=check,
    generator="hepexp.data.datasets.lhco.generate",
    mini=Path(__file__).with_name("lhco.parquet"),
)
