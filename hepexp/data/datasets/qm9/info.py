"""QM9: small organic molecules in the geometry of least energy."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np

from hepexp.data.dataset_info import DatasetInfo, Part, PublishedFile
from hepexp.data.store.check import Refusal
from hepexp.data.store.limits import Limits
from hepexp.data.store.ragged import Layout, Ragged

CLASSES = ("molecule",)
ELEMENTS = {"H": 1, "C": 6, "N": 7, "O": 8, "F": 9}  # their atomic numbers
AXES = ("x", "y", "z")
_PLACE = Limits(-1000, 1000, "Å")
LAYOUT = Layout(
    elements={"number": np.int8, **dict.fromkeys(AXES, np.float32)},
    limits={"number": Limits(1, max(ELEMENTS.values()), whole=True), **dict.fromkeys(AXES, _PLACE)},
)
PACKAGE = "qm9pack"


def check(molecules: Ragged, origin: str, first_row: int = 0) -> Ragged:
    """Refuse what is no molecule of the five elements; see `Check`."""
    refuse = Refusal(molecules, origin, first_row, "molecule")
    refuse.of_rows(molecules.counts == 0, "no atoms", "has no atoms; expected at least one")
    refuse.of_common(CLASSES, LAYOUT, "atom")
    number = molecules["number"]
    expected = ", ".join(f"{number} ({symbol})" for symbol, number in ELEMENTS.items())
    refuse.of_elements(
        ~np.isin(number, [*ELEMENTS.values()]),
        "element",
        lambda at: f"has an atom of an unknown element, number = {number[at]:g}; expected {expected}",
    )
    refuse.finish()
    return molecules


class InPackage(DatasetInfo):
    """A data set whose files are also found in an installed package."""

    def find_file(self, file: PublishedFile) -> Path | None:
        if found := super().find_file(file):
            return found
        package = find_spec(PACKAGE)
        if package is None or package.origin is None:
            return None
        path = Path(package.origin).parent / "data" / file.name
        return path if path.is_file() else None


INFO = InPackage(
    name="qm9",
    about="organic molecules of up to nine atoms of C, N, O and F, with their hydrogen, in equilibrium",
    noun="molecule",
    classes=CLASSES,
    layout=LAYOUT,
    units="atomic number; x, y, z (Å) of each atom",
    cite="R. Ramakrishnan, P. O. Dral, M. Rupp, O. A. von Lilienfeld, doi:10.1038/sdata.2014.22",
    licence="MIT, as the package qm9pack, from which the sample was taken",
    size="3 files, 226 MB, 130,831 molecules",
    published_at=f"the package {PACKAGE} (pip install 'hepexp[molecules]' is enough)",
    releases=(tuple(Part(f"qm9_part{k}", (PublishedFile(f"qm9_part{k}.csv"),)) for k in (1, 2, 3)),),
    readers={".csv": "hepexp.data.datasets.qm9.reader:read"},
    check=check,
    mini=Path(__file__).with_name("qm9.parquet"),
)
