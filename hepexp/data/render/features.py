"""High-level variables of a jet, the ones that taggers used before they read particles."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray

from hepexp.batch import FeatureBatch
from hepexp.config.suggest import did_you_mean
from hepexp.data.kinematics import around_axis, invariant_mass, sums
from hepexp.data.ragged import Ragged
from hepexp.data.render.form import Common, Form
from hepexp.errors import ConfigError

Values = NDArray[np.float64]


def pt(jets: Ragged) -> Values:
    """Transverse momentum of the jet, GeV."""
    p4 = sums(jets["p4"], jets)
    return np.hypot(p4[:, 1], p4[:, 2])


def mass(jets: Ragged) -> Values:
    """Invariant mass of all particles, GeV."""
    return invariant_mass(sums(jets["p4"], jets))


def multiplicity(jets: Ragged) -> Values:
    """Number of particles."""
    return jets.counts.astype(np.float64)


def width(jets: Ragged) -> Values:
    """Girth: sum pT dR / sum pT, dR from the jet axis (arXiv:1106.3076)."""
    pt, dy, dphi = around_axis(jets)
    return sums(pt * np.hypot(dy, dphi), jets) / sums(pt, jets)


def ptd(jets: Ragged) -> Values:
    """Concentration of momentum: sqrt(sum pT^2) / sum pT (CMS-PAS-JME-13-002)."""
    pt, _, _ = around_axis(jets)
    return np.sqrt(sums(pt**2, jets)) / sums(pt, jets)


def lha(jets: Ragged) -> Values:
    """Les Houches angularity: sum z sqrt(dR / 0.4) with z = pT / sum pT (arXiv:1704.03878)."""
    pt, dy, dphi = around_axis(jets)
    return sums(pt * np.sqrt(np.hypot(dy, dphi) / 0.4), jets) / sums(pt, jets)


def _energy_correlations(jets: Ragged) -> tuple[Values, Values]:
    """e2 and e3 with beta = 1 (arXiv:1409.6298, equation 2): sums over pairs and triples of z and distances.

    With M_ij = sqrt(z_i z_j) R_ij, the triples are tr(M^3) / 6, one product of matrices.
    """
    pt, dy, dphi = around_axis(jets)
    e2, e3 = np.zeros(len(jets)), np.zeros(len(jets))
    for jet, (start, stop) in enumerate(pairwise(jets.offsets)):
        inside = slice(start, stop)
        z = pt[inside] / pt[inside].sum()
        distance = np.hypot(dy[inside, None] - dy[inside], dphi[inside, None] - dphi[inside])
        e2[jet] = z @ distance @ z / 2
        m = np.sqrt(z[:, None] * z) * distance
        e3[jet] = np.sum((m @ m) * m) / 6
    return e2, e3


def c2(jets: Ragged) -> Values:
    """C2 = e3 / e2^2, beta = 1 (arXiv:1305.0007); 0 for a jet without extent."""
    e2, e3 = _energy_correlations(jets)
    return np.divide(e3, e2**2, out=np.zeros_like(e3), where=e2 > 0)


def d2(jets: Ragged) -> Values:
    """D2 = e3 / e2^3, beta = 1 (arXiv:1409.6298); 0 for a jet without extent."""
    e2, e3 = _energy_correlations(jets)
    return np.divide(e3, e2**3, out=np.zeros_like(e3), where=e2 > 0)


VARIABLES: dict[str, Callable[[Ragged], Values]] = {
    function.__name__: function for function in (pt, mass, multiplicity, width, ptd, lha, c2, d2)
}


class JetFeatures(Form):
    """High-level variables, brought to mean 0 and variance 1 over the training jets.

    Parameters
    ----------
    variables : which ones, in their order: pt, mass, multiplicity, width, ptd, lha, c2, d2.
    standardise : bring them to mean 0 and variance 1; else they stay in their units (GeV).

    Raises
    ------
    ConfigError : an unknown variable, or none at all.
    """

    name = "features"

    def __init__(
        self,
        variables: Sequence[str] = ("mass", "pt", "multiplicity", "width", "ptd", "lha", "c2", "d2"),
        standardise: bool = True,
    ) -> None:
        for variable in variables:
            if variable not in VARIABLES:
                known = ", ".join(VARIABLES)
                hint = did_you_mean(str(variable), VARIABLES)
                raise ConfigError(f"dataset.features.variables: unknown {variable!r}{hint} (known: {known})")
        if not variables:
            raise ConfigError(f"dataset.features.variables needs one or more of {', '.join(VARIABLES)}")
        self.variables = tuple(variables)
        self.standardise = standardise
        self.mean, self.std = np.zeros(len(variables)), np.ones(len(variables))

    def fit(self, examples: Ragged) -> None:
        if self.standardise:
            values = examples["features"]
            self.mean, self.std = values.mean(0), values.std(0)
            self.std[self.std == 0] = 1

    def expand(self, examples: Ragged) -> Ragged:
        values = np.stack([VARIABLES[name](examples) for name in self.variables], axis=1)
        # nothing of the particles is kept: each example has no elements, and its variables as one value
        nothing = np.zeros(len(examples) + 1, np.int64)
        return Ragged(examples.label, nothing, {}, {**examples.extras, "features": values})

    def collate(self, examples: Ragged, common: Common) -> FeatureBatch:
        values = ((examples["features"] - self.mean) / self.std).astype(np.float32)
        return FeatureBatch(**common, features=torch.from_numpy(values))
