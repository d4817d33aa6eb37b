"""Halos of dark matter with their galaxies: what is stored of a mock catalogue."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hepexp.data.dataset_info import DatasetInfo
from hepexp.data.datasets.halos.mock import MASSES
from hepexp.data.store.check import Refusal
from hepexp.data.store.limits import Limits
from hepexp.data.store.ragged import Layout, Ragged

CLASSES = ("halo",)
AXES = ("x", "y", "z")
# Stellar masses are stored as their mean and by how many standard deviations they differ from it, so that one sample
# serves any scatter: see galaxies.py.
LAYOUT = Layout(
    elements=dict.fromkeys((*AXES, "speed", "size", "log_stars_mean", "deviate"), np.float32),
    extras={"log_mass": np.float32, "concentration": np.float32},
    limits={
        **dict.fromkeys(AXES, Limits(-10, 10, "Mpc/h")),
        "speed": Limits(1e-3, 3e4, "km/s"),
        "size": Limits(1e-3, 1e4, "kpc/h"),
        "log_stars_mean": Limits(4, 14),
        "deviate": Limits(-10, 10),
        "log_mass": Limits(*MASSES),
        "concentration": Limits(0.1, 1e3),
    },
)


def check(halos: Ragged, origin: str, first_row: int = 0) -> Ragged:
    """Refuse halos without galaxies, or whose first galaxy, the central one, is not in the origin; see `Check`."""
    refuse = Refusal(halos, origin, first_row, "halo")
    refuse.of_rows(halos.counts == 0, "no galaxies", "has no galaxies; expected at least one, the central one")
    refuse.of_common(CLASSES, LAYOUT, "galaxy")
    if len(halos) and (halos.counts > 0).all():
        apart = np.sqrt(sum(halos[axis][halos.offsets[:-1]].astype(np.float64) ** 2 for axis in AXES))
        refuse.of_rows(
            apart > 0,
            "central galaxy",
            lambda row: f"has its first galaxy {apart[row]:g} Mpc/h from the origin; expected the central one, at 0",
        )
    refuse.finish()
    return halos


INFO = DatasetInfo(
    name="halos",
    about="halos of dark matter with their galaxies, from a mock catalogue at z = 0",
    noun="halo",
    classes=CLASSES,
    layout=LAYOUT,
    units="x, y, z (Mpc/h from the halo's centre), speed (km/s in the halo's frame), half-mass radius (kpc/h) of each "
    "galaxy; mean of log10 of its stellar mass (Msun/h), and its deviate from that in units of the scatter; log10 of "
    "M200c (Msun/h) and concentration of the halo",
    cite="made for hepexp, following P. Villanueva-Domingo et al., arXiv:2111.08683",
    licence="MIT, like hepexp",
    size="generated at any size",
    check=check,
    generator="hepexp.data.datasets.halos.generate",
    tenths=(1, 2),
    mini=Path(__file__).with_name("halos.parquet"),
)
