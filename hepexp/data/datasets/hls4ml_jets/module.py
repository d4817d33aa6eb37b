"""Jets of about 1 TeV as a trigger sees them: sixteen observables of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field

from hepexp.data.datasets.hls4ml_jets.info import FEATURES, INFO
from hepexp.data.keys import chosen_names
from hepexp.data.loading.datamodule import HepDataModule
from hepexp.data.representations.representation import Representation
from hepexp.data.representations.variables import Variables


class Hls4mlJets(HepDataModule):
    """Jets of gluons (label 0), light quarks (1), W (2), Z (3) and tops (4) of about 1 TeV, by their substructure.

    Parameters
    ----------
    variables : what models read, null for all: zlogz = sum z ln z of the energy fractions z, the multiplicity, and, of
        the jet after soft drop (mmdt), the mass in GeV and the energy correlators C1, C2, D2, M2 and N2, where b is the
        exponent beta of the angles and a that of the numerator.
    standardise : whether each variable is scaled to mean 0 and variance 1 over the training jets.
    classes : classes to use, in the order of their new labels; null for all.

    References
    ----------
    J. Duarte et al., arXiv:1804.06913; E. Coleman et al., arXiv:1709.08705.
    """

    info = INFO

    variables: Sequence[str] | None = None
    standardise: bool = True
    classes: Sequence[str] | None = None
    n_files: None = field(default=None, init=False)
    views: None = field(default=None, init=False)

    def make_representations(self) -> list[Representation]:
        return [Variables(chosen_names("variables", self.variables, FEATURES), self.standardise)]
