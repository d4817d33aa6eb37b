"""Whether jets are physics: finite numbers, at least one particle, known species, a label."""

from __future__ import annotations

import numpy as np

from hepexp.data import species
from hepexp.data.jets import Jets
from hepexp.errors import DataError


def check_jets(jets: Jets, origin: str, first_row: int = 0) -> Jets:
    """The same jets, if a model can be trained on them.

    Parameters
    ----------
    jets : what was read.
    origin : name of the file, for the message.
    first_row : row of the first of these jets in the file.

    Raises
    ------
    DataError : names the file and the first bad row, and says what was expected.
    """

    def refuse(bad: np.ndarray, what: str) -> None:
        if bad.any():
            raise DataError(f"{origin}: jet {first_row + int(np.argmax(bad))} {what}")

    def refuse_particle(bad: np.ndarray, what: str) -> None:
        if bad.any():
            particle = int(np.argmax(bad))
            row = int(np.searchsorted(jets.offsets, particle, side="right")) - 1
            raise DataError(f"{origin}: jet {first_row + row} {what.format(jets.pdgid[particle])}")

    refuse(jets.counts == 0, "has no particles; expected at least one with pt > 0")
    refuse(~np.isin(jets.label, (0, 1)), "has a label outside {0, 1}; expected 1 for quark, 0 for gluon")
    finite = np.isfinite(jets.pt) & np.isfinite(jets.y) & np.isfinite(jets.phi)
    refuse_particle(~finite, "has a particle with NaN or infinity; expected finite pt, y, phi")
    refuse_particle(jets.pt <= 0, "has a particle with pt <= 0; expected pt > 0 in GeV")
    unknown = np.isnan(species.mass(jets.pdgid))
    refuse_particle(unknown, "has a particle of unknown pdgid {}; expected one of hepexp.data.species")
    return jets
