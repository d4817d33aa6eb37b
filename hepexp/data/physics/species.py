"""Mass and charge of the particles that live long enough to be found in a jet (PDG 2024, Monte Carlo numbering)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# |pdgid|: (mass in GeV, charge of the one with the positive number)
TABLE = {
    11: (0.00051099895, -1),  # electron
    13: (0.1056583755, -1),  # muon
    22: (0.0, 0),  # photon
    130: (0.497611, 0),  # K0 long
    211: (0.13957039, 1),  # pion
    321: (0.493677, 1),  # kaon
    2112: (0.93956542052, 0),  # neutron
    2212: (0.93827208816, 1),  # proton
    # The rest decay within centimetres, but are kept stable in some samples.
    111: (0.1349768, 0),  # pi0
    310: (0.497611, 0),  # K0 short
    3112: (1.197449, -1),  # Sigma-
    3122: (1.115683, 0),  # Lambda
    3222: (1.18937, 1),  # Sigma+
    3312: (1.32171, -1),  # Xi-
    3322: (1.31486, 0),  # Xi0
    3334: (1.67245, -1),  # Omega-
}
ONE_HOT = (11, 13, 22, 130, 211, 321, 2112, 2212)  # particle types with a one-hot component; others have all zeros

_SIZE = max(TABLE) + 2  # the last row stands for every particle that is not in the table
_MASS = np.full(_SIZE, np.nan)
_CHARGE = np.zeros(_SIZE)
_TYPE = np.zeros((_SIZE, len(ONE_HOT)), np.float32)
for _id, (_mass, _charge) in TABLE.items():
    _MASS[_id], _CHARGE[_id] = _mass, _charge
for _position, _id in enumerate(ONE_HOT):
    _TYPE[_id, _position] = 1


def _row(pdgid: NDArray) -> NDArray[np.integer]:
    return np.minimum(np.abs(pdgid.astype(np.int64)), _SIZE - 1)  # 64 bits, as abs(-2^31) overflows in 32


def is_known(pdgid: NDArray) -> NDArray[np.bool_]:
    """Mask, same shape, of the numbers (of any type) that belong to a particle in the table."""
    return np.isin(np.abs(pdgid), list(TABLE))


def mass(pdgid: NDArray) -> NDArray[np.float64]:
    """Masses in GeV, same shape, by numbers of any type; NaN for a particle that is not in the table."""
    return _MASS[_row(pdgid)]


def charge(pdgid: NDArray[np.integer]) -> NDArray[np.float64]:
    """Charges in units of the positron's, same shape."""
    return _CHARGE[_row(pdgid)] * np.sign(pdgid)


def one_hot(pdgid: NDArray[np.integer]) -> NDArray[np.float32]:
    """Particle types (..., 8), one-hot over |pdgid| in the order of ONE_HOT."""
    return _TYPE[_row(pdgid)]


def detected_type(pdgid: NDArray[np.integer]) -> NDArray[np.bool_]:
    """Types that a detector tells apart (..., 5): charged hadron, neutral hadron, photon, electron, muon."""
    number, charged = np.abs(pdgid.astype(np.int64)), charge(pdgid) != 0
    electron, muon, photon = (number == kind for kind in (11, 13, 22))
    hadron = ~(electron | muon | photon)
    return np.stack([hadron & charged, hadron & ~charged, photon, electron, muon], axis=-1)
