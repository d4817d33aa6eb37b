"""Which four-momenta in a user's files no particle can have."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from hepexp.data.expressions.expression import Expression
from hepexp.data.store.check import Refusal


def refuse_wrong_momenta(
    refuse: Refusal,
    energy: NDArray[np.float64],
    momentum: NDArray[np.float64],
    momenta: Mapping[str, Expression | float],
) -> None:
    """Refuse examples with a four-momentum that no particle has.

    Parameters
    ----------
    energy, momentum : E and |p| of all particles (m,), in GeV.
    momenta : what each component is made of, for messages.
    """
    texts = {name: getattr(one, "text", one) for name, one in momenta.items()}
    if "pid" in texts:
        pid = texts["pid"]
        refuse.of_elements(
            np.isnan(energy),
            "pid",
            lambda i: f"has a particle with an unknown pid in '{pid}'; expected PDG numbers",
        )
    refuse.of_elements(
        ~((energy > 0) & (energy < 1e5)),
        "energy",
        lambda i: f"has a particle with energy = {energy[i]:g}; expected above 0 and below 100,000 GeV (MeV / 1000)",
    )
    refuse.of_elements(
        momentum**2 > energy**2 * 1.001,
        "|p|",
        lambda i: f"has a particle with |p| = {momentum[i]:g} > energy = {energy[i]:g}; expected {' '.join(texts)}",
    )
