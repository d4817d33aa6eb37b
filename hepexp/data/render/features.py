"""Form `features`: each jet a row of high-level variables."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec

import numpy as np
import torch

from hepexp.batch import FeatureBatch
from hepexp.config.suggest import did_you_mean
from hepexp.data.ragged import Ragged
from hepexp.data.render.form import Common, Form
from hepexp.data.render.observables import OBSERVABLES, SUBJETTINESS, Jets
from hepexp.data.render.scale import mean_and_spread
from hepexp.errors import ConfigError


class JetFeatures(Form):
    """High-level variables, brought to mean 0 and variance 1 over the training jets.

    Parameters
    ----------
    variables : which ones, in their order: pt, mass, multiplicity, width, ptd, lha, c2, d2; with FastJet also tau1,
        tau2, tau3, tau21, tau32. hepexp.data.render.observables defines each.
    standardise : bring them to mean 0 and variance 1; else they stay in their units (GeV).

    Raises
    ------
    ConfigError : an unknown variable, none at all, or one that needs FastJet, which is not installed.
    """

    name = "features"
    scales = ("mean", "std")

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
            raise ConfigError(f"dataset.features.variables needs one or more of {', '.join(OBSERVABLES)}")
        self.variables = tuple(variables)
        self.standardise = standardise
        self.mean, self.std = np.zeros(len(variables)), np.ones(len(variables))

    def fit(self, examples: Ragged) -> None:
        if self.standardise:
            self.mean, self.std = mean_and_spread(examples["features"])

    def expand(self, examples: Ragged) -> Ragged:
        jets = Jets(examples)
        values = np.stack([OBSERVABLES[name](jets) for name in self.variables], axis=1)
        # nothing of the particles is kept: each example has no elements, and its variables as one value
        nothing = np.zeros(len(examples) + 1, np.int64)
        return Ragged(examples.label, nothing, {}, {**examples.extras, "features": values})

    def collate(self, examples: Ragged, common: Common) -> FeatureBatch:
        values = ((examples["features"] - self.mean) / self.std).astype(np.float32)
        return FeatureBatch(**common, features=torch.from_numpy(values))
