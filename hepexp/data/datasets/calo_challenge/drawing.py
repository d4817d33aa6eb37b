"""What is drawn of the CaloChallenge's showers: distributions."""

from __future__ import annotations

from hepexp.data.dataset_info import DatasetInfo
from hepexp.data.physics.kinematics import sums
from hepexp.data.pictures.drawing import Drawing
from hepexp.data.pictures.quantities import Quantities
from hepexp.data.store.ragged import Ragged


def quantities(showers: Ragged) -> Quantities:
    """Energy of the particle, what the voxels have of it, and how many are hit."""
    energy = showers["energy"].astype("float64")
    total = sums(showers["value"].astype("float64"), showers) / 1000
    return {
        "energy of the particle [GeV]": energy,
        "energy in the voxels / energy of the particle": total / energy,
        "voxels hit": showers.counts.astype("float64"),
    }


def drawing_of(info: DatasetInfo) -> Drawing:
    """The drawing of any of the data sets."""
    return Drawing(quantities)
