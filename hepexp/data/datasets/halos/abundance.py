"""How many halos there are of each mass, and how concentrated they are: by Colossus, or from the table in the package.

At z = 0 in the cosmology of Planck 2018 (flat, h = 0.6766, Omega_m = 0.3111).

References
----------
B. Diemer, arXiv:1712.04512 (Colossus); J. Tinker et al., arXiv:0803.2706 (mass function); A. A. Dutton, A. V. Maccio,
arXiv:1402.7073 (concentrations).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hepexp.data.datasets.halos.mock import MASSES

Array = NDArray[np.float64]

TABLE = Path(__file__).with_name("abundance.csv")
STEP = 0.05  # dex between its rows
HEADER = "log10 M200c / (Msun/h), log10 dn / dlog10 M / (h/Mpc)^3, log10 of the median c200c"
_FINE = np.linspace(*MASSES, 3501)


@dataclass(frozen=True)
class Abundance:
    """Columns (n,) against the mass, with straight lines between them.

    Parameters
    ----------
    log_mass : log10 of M200c in Msun/h, rising.
    log_density : log10 of the number of halos per volume, (h/Mpc)^3, and dex.
    log_c : log10 of the median concentration R200 / r_s.
    """

    log_mass: Array
    log_density: Array
    log_c: Array

    def density(self, log_mass: Array) -> Array:
        """Halos per volume and dex, (h/Mpc)^3."""
        return 10 ** np.interp(log_mass, self.log_mass, self.log_density)

    def log_concentration(self, log_mass: Array) -> Array:
        """log10 of the median concentration."""
        return np.interp(log_mass, self.log_mass, self.log_c)

    def draw(self, n: int, random: np.random.Generator) -> Array:
        """log10 of the masses (n,) of halos of the mock's range, drawn from the mass function."""
        density = self.density(_FINE)
        below = np.append(0, np.cumsum((density[1:] + density[:-1]) / 2))
        return np.interp(random.random(n) * below[-1], below, _FINE)


@cache
def shipped() -> Abundance:
    """The table in the package, which Colossus made."""
    return Abundance(*np.loadtxt(TABLE, delimiter=",").T)


def by_colossus() -> Abundance:
    """The same by Colossus, which neither reads nor writes a cache of its own for it."""
    from colossus.cosmology import cosmology
    from colossus.halo import concentration
    from colossus.lss import mass_function

    cosmology.setCosmology("planck18", persistence="")
    log_mass = np.arange(MASSES[0], MASSES[1] + STEP / 2, STEP)
    per_e = mass_function.massFunction(10**log_mass, 0.0, mdef="200c", model="tinker08", q_out="dndlnM")
    c = concentration.concentration(10**log_mass, "200c", 0.0, model="dutton14")
    return Abundance(log_mass, np.log10(np.log(10) * per_e), np.log10(c))
