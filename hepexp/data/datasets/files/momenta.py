"""Which four-momenta in a user's files no particle can have."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import numpy as np

from hepexp.data.datasets.files.particles import FileParticles
from hepexp.data.expressions.expression import Expression
from hepexp.data.store.check import Refusal

# The square root of E^2 - p^2 in single precision is off by about this times E, and some programs give it a minus sign.
_ROUNDING = 1e-3


def refuse_wrong_momenta(refuse: Refusal, particles: FileParticles, momenta: Mapping[str, Expression | float]) -> None:
    """Refuse examples with a four-momentum that no particle has.

    Parameters
    ----------
    particles : what makes four-momenta of the columns of the examples.
    momenta : what each component is made of, for messages.
    """
    its, (energy, momentum) = particles.components(refuse.examples), particles.energy_and_momentum(refuse.examples)
    texts = {name: getattr(one, "text", one) for name, one in momenta.items()}
    if "pid" in texts:
        pid = texts["pid"]
        refuse.of_elements(
            np.isnan(energy),
            "pid",
            lambda i: f"has a particle with an unknown pid in '{pid}'; expected PDG numbers",
        )

    def negative(name: str, i: int) -> str:
        return f"has a particle with {name} = {its[name][i]:g} in '{texts[name]}'; expected >= 0"

    for name, least in (("pt", 0.0), ("mass", -_ROUNDING * np.abs(energy))):
        if name in texts:
            refuse.of_elements(its[name] < least, name, partial(negative, name))
    energies = f" in '{texts['energy']}'" if "energy" in texts else ""
    refuse.of_elements(
        ~((energy > 0) & (energy < 1e5)),
        "energy",
        lambda i: (
            f"has a particle with energy = {energy[i]:g}{energies}; expected above 0 and below 100,000 GeV (MeV / 1000)"
        ),
    )
    refuse.of_elements(
        momentum**2 > energy**2 * 1.001,
        "|p|",
        lambda i: (
            f"has a particle with |p| = {momentum[i]:g} > energy = {energy[i]:g}{energies}; expected {' '.join(texts)}"
        ),
    )
