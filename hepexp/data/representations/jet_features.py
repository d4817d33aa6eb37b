"""Representation `features`: each jet as a row of high-level variables."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

from hepexp.config.suggest import did_you_mean
from hepexp.data.physics.observables import OBSERVABLES, SUBJETTINESS, Jets
from hepexp.data.representations.variables import Variables
from hepexp.data.store.ragged import Ragged
from hepexp.errors import ConfigError


class JetFeatures(Variables):
    """High-level variables of each jet.

    Parameters
    ----------
    variables : the variables, in the order wanted, out of pt, mass, multiplicity, width, ptd, lha, c2 and d2, and, with
        FastJet installed, tau1, tau2, tau3, tau21 and tau32; defined in hepexp.data.physics.observables.
    standardise : scale each variable to mean 0 and variance 1 over the training jets; if false, keep its units (GeV).

    Raises
    ------
    ConfigError : a variable is unknown, none is given, or one needs FastJet, which is not installed.
    """

    def __init__(
        self,
        variables: Sequence[str] = ("mass", "pt", "multiplicity", "width", "ptd", "lha", "c2", "d2"),
        standardise: bool = True,
    ) -> None:
        for variable in variables:
            if variable not in OBSERVABLES:
                known = ", ".join(OBSERVABLES)
                hint = did_you_mean(str(variable), OBSERVABLES)
                raise ConfigError(f"dataset.features.variables: unknown {variable!r}{hint} (known: {known})")
            if variable in SUBJETTINESS and find_spec("fastjet") is None:
                raise ConfigError(
                    f"dataset.features.variables: {variable} needs FastJet; fastjet is not installed; "
                    "pip install 'hepexp[generate]'"
                )
        if not variables:
            raise ConfigError(f"dataset.features.variables must name one or more of {', '.join(OBSERVABLES)}")
        super().__init__(variables, standardise)

    def values(self, examples: Ragged) -> NDArray[np.float64]:
        jets = Jets(examples)
        return np.stack([OBSERVABLES[name](jets) for name in self.variables], axis=1)
